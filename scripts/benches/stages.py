"""Streams of records through the stages where nothing is asked of PKB: what is in the journal, and what only passes."""

import itertools

from . import measure
from .contest import Contender, hold, megabytes_a_second, table
from .surroundings import GOOD

MOST = 500_000
BYTES_A_RECORD = 5_000  # of all files of this part together


def run(bench):
    records = min(bench.records, MOST)
    fewer = max(records // 5, 1)
    bench.space(records * BYTES_A_RECORD)
    bench.patients(records)
    fhir = ["--rate", "0", "--api", "fhir"]
    with bench.pkb():
        bench.run("pkb-upload", "patients.csv", "--journal", "upload.journal", "--output", "uploaded.ndjson")
        bench.run("pkb-resolve", "uploaded.ndjson", *fhir, "--journal", "resolve.journal", "--output", "resolved.ndjson")
        bench.run("pkb-tokens", "resolved.ndjson", *fhir, "--journal", "tokens.journal", "--output", "invited.ndjson")
        with open(bench.folder / "invited.ndjson", "rb") as lines, open(bench.folder / "fewer.ndjson", "wb") as few:
            few.writelines(itertools.islice(lines, fewer))
        letters = ["pkb-letters", "fewer.ndjson", "--partial", "--out", "print", "--engine", "stamp", "--letters-per-file", "50000",
                   "--journal", "letters.journal"]
        bench.run(*letters, "--no-verify", "--output", "delivered.ndjson")

        def stage(name, count, *command, reads):
            return Contender(name, count, list(command), reads=reads, output="out", makes=("out",), good=GOOD, ours=True)

        def other(name, count, *command, reads="invited.ndjson", missing=""):
            return Contender(name, count, list(command), reads=(reads,), output="out", makes=("out",), missing=missing)

        contenders = hold(bench, [
            stage("pkb-resolve, passing", records, "pkb-resolve", "invited.ndjson", reads=("invited.ndjson",)),
            stage("pkb-resolve, from its journal", records, "pkb-resolve", "uploaded.ndjson", *fhir, "--journal", "resolve.journal",
                  reads=("uploaded.ndjson", "resolve.journal")),
            stage("pkb-tokens, passing", records, "pkb-tokens", "invited.ndjson", reads=("invited.ndjson",)),
            stage("pkb-tokens, from its journal", records, "pkb-tokens", "resolved.ndjson", *fhir, "--journal", "tokens.journal",
                  reads=("resolved.ndjson", "tokens.journal")),
            stage("pkb-upload, from its journal", records, "pkb-upload", "patients.csv", "--journal", "upload.journal",
                  reads=("patients.csv", "upload.journal")),
            stage("pkb-letters, passing", fewer, "pkb-letters", "delivered.ndjson", "--partial", "--out", "none",
                  reads=("delivered.ndjson",)),
            stage("pkb-letters, from its journal", fewer, *letters, reads=("fewer.ndjson", "letters.journal")),
            other("limit: cat", records, "cat", "invited.ndjson"),
            # cp would let the file system share the bytes.
            other("limit: cat onto the disk", records, "sh", "-c", "cat invited.ndjson && sync out"),
            other("jq -c .", fewer, "jq", "-c", ".", "fewer.ndjson", reads="fewer.ndjson", missing=bench.lacks(("jq", "jq"))),
        ])
    each = measure.size(bench.folder / "invited.ndjson") / records
    yield table(f"{records:,} records of {each:.0f} bytes", "records", contenders, ("MB/s", megabytes_a_second))
