"""Peak memory of each stage with so many records, and with ten times as many."""

from . import measure
from .letters import stamped
from .surroundings import GOOD
from .table import Table, count, mebibytes

STREAM, LETTERS = 100_000, 5_000
BYTES_A_LETTER = 70_000  # separate ones, above all
# Peaks of the same run differ by some MiB, by what threads do when.
NOISE = 8 * 2**20


def run(bench):
    bench.space(10 * bench.number(min(LETTERS, bench.records // 10), 50) * BYTES_A_LETTER)
    few = peaks(bench, 1)
    many = peaks(bench, 10)
    result = Table("Peak memory, and with ten times the records", ["", "records", "peak MiB", "ten times", "flat", "bytes a further record"])
    for (name, records, peak), (_, more, later) in zip(few, many):
        flat = later <= 1.25 * peak + NOISE
        result.add(name, count(records), mebibytes(peak), mebibytes(later), "yes" if flat else "no",
                   "" if flat else count((later - peak) / (more - records)))
    yield result


def peaks(bench, times):
    bench.empty()
    stream = times * bench.number(min(STREAM, bench.records // 10), 200)
    letters = times * bench.number(min(LETTERS, bench.records // 10), 50)
    by_typst = max(letters // 10, 20)
    fhir = ["--rate", "0", "--api", "fhir"]
    bench.patients(stream)
    found = []

    def look(name, records, *command):
        found.append((name, records, measure.run(command, bench.folder, good=GOOD).peak_bytes))

    with bench.pkb():
        look("pkb-upload check", stream, "pkb-upload", "check", "patients.csv")
        look("pkb-upload", stream, "pkb-upload", "patients.csv", "--journal", "u.journal", "--output", "uploaded.ndjson")
        look("pkb-resolve, FHIR", stream, "pkb-resolve", "uploaded.ndjson", *fhir, "--journal", "r.journal", "--output", "resolved.ndjson")
        look("pkb-resolve, from its journal", stream, "pkb-resolve", "uploaded.ndjson", *fhir, "--journal", "r.journal")
        look("pkb-resolve, passing", stream, "pkb-resolve", "resolved.ndjson")
        look("pkb-tokens, FHIR", stream, "pkb-tokens", "resolved.ndjson", *fhir, "--journal", "t.journal", "--output", "invited.ndjson")
        look("pkb-tokens, from its journal", stream, "pkb-tokens", "resolved.ndjson", *fhir, "--journal", "t.journal")
        fewer = head(bench, "invited.ndjson", "fewer.ndjson", letters)
        look("pkb-resolve, REST", fewer, "pkb-resolve", "fewer.ndjson", "--rate", "0", "--concurrency", "64", "--partial")
        look("pkb-letters, stamp, merged", fewer, *stamped("print", "fewer.ndjson"), "--journal", "l.journal", "--output", "delivered.ndjson")
        look("pkb-letters, from its journal", fewer, *stamped("print", "fewer.ndjson"), "--journal", "l.journal")
        look("pkb-letters verify", fewer, "pkb-letters", "verify", "print", "delivered.ndjson", "--square-codes", "none")
        look("pkb-letters, stamp, separate", fewer, *stamped("separate", "fewer.ndjson"), "--separate")
        few = head(bench, "invited.ndjson", "few.ndjson", by_typst)
        look("pkb-letters, typst, files of 50", few, "pkb-letters", "few.ndjson", "--partial", "--out", "typst", "--engine", "typst", "--no-verify")
    return found


def head(bench, source, target, count):
    with open(bench.folder / source, "rb") as lines, open(bench.folder / target, "wb") as kept:
        kept.writelines(line for line, _ in zip(lines, range(count)))
    return count
