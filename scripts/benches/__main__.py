"""The command line of scripts/bench."""

import argparse
import os
import pathlib
import signal
import subprocess
import sys
import time

from . import build as first_build, calls, check, fhir, letters, memory, micro, million, results, stages, trace, verify
from .measure import Failed
from .surroundings import ROOT, Bench, say, warn

PARTS = {
    "check": check,
    "trace": trace,
    "calls": calls,
    "fhir": fhir,
    "stages": stages,
    "letters": letters,
    "verify": verify,
    "memory": memory,
    "micro": micro,
    "million": million,
    "build": first_build,
}
# Measured only if it is asked for.
LARGE = ("million", "build")
# Programs that want to run, on average of a minute, before we begin.
BUSY = 0.5


def asked():
    parser = argparse.ArgumentParser(
        prog="scripts/bench",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Measures the programs against a local PKB, beside other people's programs on the same work.",
        epilog="".join(f"  {name:9} {part.__doc__}\n" for name, part in PARTS.items())
        + "\nPKB_BENCH_RECORDS  records of check, stages and million (1000000)\n"
        "PKB_BENCH_PROFILE  how our programs are built: release, or dev\n"
        "PKB_BENCH_VENV     where packages from PyPI are (target/bench-venv)\n"
        "TMPDIR             where files are made while it runs (target)\n",
    )
    parser.add_argument("what", nargs="*", metavar="WHAT", help="parts; all but million and build if none is named")
    parser.add_argument("--rounds", type=int, default=3, help="how often each contender runs (3)")
    parser.add_argument("--quick", action="store_true", help="small numbers and one round, only to see that it runs")
    parser.add_argument("--write", action="store_true", help="put what is measured into scripts/RESULTS.md")
    parser.add_argument(
        "--programs", type=pathlib.Path, metavar="DIR", help="measure the programs in this folder, build nothing"
    )
    arguments = parser.parse_args()
    for name in arguments.what:
        if name not in PARTS:
            parser.error(f"there is no part {name} ({', '.join(PARTS)})")
    if arguments.quick and arguments.write:
        parser.error("--quick measures nothing that is worth to be written down")
    return arguments


def build(profile):
    # All targets, as the tests have built them: nothing is built twice.
    targets = ["--all-targets"] if profile == "dev" else ["--bins", "--example", "letters_per_second"]
    features = [] if profile == "dev" else ["--features", "pkb-cli/jemalloc"]
    subprocess.run(["cargo", "build", "--quiet", "--profile", profile, "--workspace", *targets, *features], cwd=ROOT, check=True)


def measure(bench, name):
    """Runs a part, shows what it finds as it finds it, and returns all of it."""
    say(f"== {name}")
    bench.empty()
    start = time.monotonic()
    found = []
    for table in PARTS[name].run(bench):
        say(f"\n{table}")
        found.append(str(table))
    say(f"\n({time.monotonic() - start:.0f} s)\n")
    if not found:
        raise Failed(f"{name} has measured nothing")
    return "\n\n".join(found)


def main():
    arguments = asked()
    # What is stopped stops what it has started, and leaves nothing.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    parts = arguments.what or [name for name in PARTS if name not in LARGE or arguments.quick and name != "build"]
    profile = os.environ.get("PKB_BENCH_PROFILE", "release")
    rounds = 1 if arguments.quick else arguments.rounds
    load = os.getloadavg()[0]
    busy = load if load > BUSY else 0
    if busy and not arguments.quick:
        warn(f"this machine is busy (load {busy:.1f}): rates will be too low")
    if not arguments.programs and parts != ["build"]:
        build(profile)
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    programs = arguments.programs and arguments.programs.resolve()
    bench = Bench(
        arguments.quick, rounds, int(os.environ.get("PKB_BENCH_RECORDS", 1_000_000)), target, profile, programs
    )
    try:
        for name in parts:
            about = results.about(rounds, profile, busy)
            found = measure(bench, name)
            if arguments.write:
                results.write(name, about, found, PARTS)
    except Failed as failed:
        warn(failed)
        return 1
    except KeyboardInterrupt:
        return 130
    finally:
        bench.close()
        for words in bench.what_is_missing():
            warn(f"to measure more: {words}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
