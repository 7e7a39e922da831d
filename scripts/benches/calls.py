"""Calls about one patient each, 64 at a time, to a local PKB that takes a while to answer."""

import base64
import json
import os
import subprocess
import urllib.request

from .contest import Contender, hold, table
from .measure import Failed
from .surroundings import GOOD

IN_FLIGHT = 64
LATENCIES_MS = (5, 20, 100)
# A process a call takes longer than any of these.
WITH_XARGS_MS = 20
# What each contender is given: so much work if nothing but the latency limits it.
SECONDS = 2


def run(bench):
    for latency in LATENCIES_MS:
        limit = IN_FLIGHT * 1000 / latency
        calls = bench.number(int(limit * SECONDS), IN_FLIGHT)
        with bench.pkb({"fixed": latency}):
            uploaded(bench, calls)
            contenders = hold(bench, contenders_for(bench, calls, latency))
        share = lambda one: f"{100 * one.rate() / limit:.0f}%"
        yield table(
            f"{latency} ms a call, {IN_FLIGHT} in flight: {limit:,.0f} calls/s at most",
            "calls",
            contenders,
            ("of most", share),
        )
    with bench.pkb():
        uploaded(bench, bench.number(10_000, 500))
        yield costs(bench)


def uploaded(bench, patients):
    bench.patients(patients)
    bench.run("pkb-upload patients.csv --no-compare --no-journal --replace --output uploaded.ndjson")


def contenders_for(bench, calls, latency):
    header = f"Authorization: Bearer {access_token()}"
    urls = addresses(bench.folder / "uploaded.ndjson")
    few = min(calls, 1_000)
    write = lambda name, lines: (bench.folder / name).write_text("".join(f"{line}\n" for line in lines))
    write("urls", urls)
    write("few-urls", urls[:few])
    write("curl.conf", ["silent", f'header = "{header}"', *(f'url = "{url}"\noutput = /dev/null' for url in urls)])
    resolve = f"pkb-resolve uploaded.ndjson --rate 0 --concurrency {IN_FLIGHT} --registered-check off"
    # The same question again and again by a program that is made for it: what the local PKB can do.
    ab = f"ab -q -k -n {calls} -c {IN_FLIGHT} -H '{header}' {urls[0]}"
    aiohttp = bench.python("calls_aiohttp.py", "urls", header, IN_FLIGHT)
    curl = f"curl --parallel --parallel-max {IN_FLIGHT} --config curl.conf"
    xargs = f"xargs -P {IN_FLIGHT} -n 1 curl --silent --output /dev/null --header '{header}' < few-urls"
    contenders = [
        Contender("pkb-resolve", calls, resolve, good=GOOD, ours=True),
        Contender("limit: the local PKB, asked by ab", calls, ab, missing=bench.lacks(("ab", "apache2-utils"))),
        Contender(bench.named("aiohttp"), calls, aiohttp, missing=bench.lacks_python("aiohttp")),
        Contender("curl --parallel", calls, curl, missing=bench.lacks(("curl", "curl"))),
    ]
    if latency == WITH_XARGS_MS:
        missing = bench.lacks(("curl", "curl"), ("xargs", "findutils"))
        contenders.append(Contender("xargs curl", few, ["sh", "-c", xargs], missing=missing))
    return contenders


def costs(bench):
    """What a call costs the one who makes it, and that records leave in the order they came, as bench-calls says it."""
    # It tells the local PKB itself how long to take.
    latencies = ",".join(map(str, LATENCIES_MS))
    command = ["bench-calls", "uploaded.ndjson", "--rate", "0", "--concurrency", "64", "--rounds", str(bench.rounds), "--latencies", latencies]
    done = subprocess.run(command, cwd=bench.folder, capture_output=True, text=True)
    if done.returncode:
        raise Failed(f"bench-calls ended with {done.returncode}: {done.stderr.strip()}")
    said = (done.stdout + done.stderr).rstrip()
    return f"What a call costs, {IN_FLIGHT} in flight, beside the library and the sockets below it\n\n```\n{said}\n```"


def access_token():
    client = f"{os.environ['PKB_CLIENT_ID']}:{os.environ['PKB_CLIENT_SECRET']}"
    request = urllib.request.Request(
        os.environ["PKB_TOKEN_URL"],
        b"grant_type=client_credentials",
        {"Authorization": "Basic " + base64.b64encode(client.encode()).decode()},
    )
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)["access_token"]


def addresses(records):
    with open(records, encoding="utf-8") as lines:
        numbers = [json.loads(line)["patient"]["national_id"] for line in lines if '"patient"' in line]
    return [
        f"{os.environ['PKB_BASE_URL']}/beta/users/byNationalId/{number['value']}/{number['type']}" for number in numbers
    ]
