"""Requests to the NHS's register and its answers, and a mail company's reports, as files."""

from .contest import Contender, hold, table
from .surroundings import GOOD

REQUEST = "pkb trace request {} --out requests/request.csv"
APPLY = "pkb trace apply responses/RESP_request.csv --key requests/request.csv.key --in checked.ndjson --output traced.ndjson --replace"
RETURNS = "pkb returns status.csv --in delivered.ndjson --output posted.ndjson --replace"


def run(bench):
    rows = bench.records
    bench.patients(rows)
    for folder in ("requests", "responses"):
        (bench.folder / folder).mkdir()
    bench.run("pkb-upload patients.csv --dry-run --output checked.ndjson")
    bench.run(REQUEST.format("checked.ndjson"))
    bench.run("pkb-sandbox mesh --requests requests --responses responses --patients patients.csv")
    posted(bench, rows)
    contenders = [
        Contender("pkb trace request, of a stream", rows, REQUEST.format("checked.ndjson"), good=GOOD, ours=True),
        Contender("pkb trace request, of a patient file", rows, REQUEST.format("patients.csv"), good=GOOD, ours=True),
        Contender("pkb trace apply", rows, APPLY, good=GOOD, ours=True, makes=("traced.ndjson",)),
        Contender("pkb returns", rows, RETURNS, good=GOOD, ours=True, makes=("posted.ndjson",)),
        Contender("limit: cat of the stream", rows, "cat checked.ndjson", output="copy", makes=("copy",)),
    ]
    yield table(f"{rows:,} rows traced, and their letters followed", "rows", hold(bench, contenders))


def posted(bench, rows):
    """Each patient's letter, and a report that it was dispatched."""
    with (
        open(bench.folder / "checked.ndjson") as checked,
        open(bench.folder / "delivered.ndjson", "w") as delivered,
        open(bench.folder / "status.csv", "w") as status,
    ):
        status.write("reference,status,at,reasonCode,reasonText,sheets\n")
        for number, line in zip(range(1, rows + 1), checked):
            letter = f'"channel":"letter","reference":"R{number:019d}","file":"letters-0001.pdf","pages":[1,1],"sequence":{number}'
            delivered.write(f'{line.rstrip()[:-1]},"deliveries":[{{{letter}}}]}}\n')
            status.write(f"R{number:019d},DISPATCHED,2026-11-30T09:00:00Z,,,1\n")
