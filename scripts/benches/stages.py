"""Streams of records through the stages where nothing is asked of PKB: what is in the journal, and what only passes."""

import json

from . import measure
from .contest import Contender, hold, megabytes_a_second, table
from .surroundings import FHIR, GOOD

MOST = 500_000
BYTES_A_RECORD = 5_000  # of all files of this part together
RESOLVE = f"pkb-resolve uploaded.ndjson {FHIR} --journal resolve.journal"
TOKENS = f"pkb-tokens resolved.ndjson {FHIR} --journal tokens.journal"
UPLOAD = "pkb-upload patients.csv --no-compare --journal upload.journal"
PASS_LETTERS = "pkb-letters delivered.ndjson --partial --out none --no-journal"
LETTERS = (
    "pkb-letters fewer.ndjson --partial --out print --engine stamp --letters-per-file 50000 --journal letters.journal"
)


def run(bench):
    records = min(bench.records, MOST)
    fewer = max(records // 5, 1)
    bench.space(records * BYTES_A_RECORD)
    bench.patients(records)
    with bench.pkb():
        bench.run(f"{UPLOAD} --output uploaded.ndjson")
        bench.run(f"{RESOLVE} --output resolved.ndjson")
        bench.run(f"{TOKENS} --output invited.ndjson")
        bench.head("invited.ndjson", "fewer.ndjson", fewer)
        bench.run(f"{LETTERS} --no-verify --output delivered.ndjson")
        contenders = hold(bench, contenders_for(bench, records, fewer))
        short_ones(bench)
        passing = hold(bench, contenders_for_short_ones(records))
    for name, contenders in (("invited.ndjson", contenders), ("short.ndjson", passing)):
        each = measure.size(bench.folder / name) / records
        yield table(f"{records:,} records of {each:.0f} bytes", "records", contenders, ("MB/s", megabytes_a_second))


def short_ones(bench):
    """The same patients in short.ndjson, with an outcome and little else: they pass the stages behind pkb-upload."""
    excluded = {"stage": "resolve", "kind": "excluded", "reason": "registered"}
    kept = ("national_id", "first_name", "last_name", "date_of_birth")
    with (
        open(bench.folder / "invited.ndjson", encoding="utf-8") as lines,
        open(bench.folder / "short.ndjson", "w", encoding="utf-8") as short,
    ):
        for record in map(json.loads, lines):
            fields = {"schema": record["schema"], "row": record["row"]}
            if patient := record.get("patient"):
                fields["patient"] = {key: patient[key] for key in kept}
            fields["outcome"] = excluded if patient else record["outcome"]
            short.write(json.dumps(fields, ensure_ascii=False, separators=(",", ":")) + "\n")


def contenders_for_short_ones(records):
    def passing(command, *made):
        name = f"{command.split()[0]}, passing"
        reads, makes = ("short.ndjson",), ("out", *made)
        return Contender(name, records, f"{command} short.ndjson", makes, reads, "out", GOOD, ours=True)

    return [passing("pkb-resolve"), passing("pkb-tokens"), passing("pkb-letters --out none", "none")]


def contenders_for(bench, records, fewer):
    def stage(name, count, command, *reads, made=()):
        return Contender(name, count, command, reads=reads, output="out", makes=("out", *made), good=GOOD, ours=True)

    def other(name, count, command, reads, missing=""):
        return Contender(name, count, command, reads=(reads,), output="out", makes=("out",), missing=missing)

    return [
        stage("pkb-resolve, passing", records, "pkb-resolve invited.ndjson", "invited.ndjson"),
        stage("pkb-resolve, from its journal", records, RESOLVE, "uploaded.ndjson", "resolve.journal"),
        stage("pkb-tokens, passing", records, "pkb-tokens invited.ndjson", "invited.ndjson"),
        stage("pkb-tokens, from its journal", records, TOKENS, "resolved.ndjson", "tokens.journal"),
        stage("pkb-upload, from its journal", records, UPLOAD, "patients.csv", "upload.journal"),
        stage("pkb-letters, passing", fewer, PASS_LETTERS, "delivered.ndjson", made=("none",)),
        stage("pkb-letters, from its journal", fewer, LETTERS, "fewer.ndjson", "letters.journal"),
        other("limit: cat", records, "cat invited.ndjson", "invited.ndjson"),
        # cp would let the file system share the bytes.
        other("limit: cat onto the disk", records, "sh -c 'cat invited.ndjson && sync out'", "invited.ndjson"),
        other("jq -c .", fewer, "jq -c . fewer.ndjson", "fewer.ndjson", bench.lacks(("jq", "jq"))),
    ]
