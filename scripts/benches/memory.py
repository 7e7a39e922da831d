"""Peak memory of each stage with so many records, and with ten times as many."""

from . import measure
from .letters import by_default, stamped
from .surroundings import FHIR, GOOD
from .table import Table, count, mebibytes

STREAM, LETTERS = 100_000, 5_000
BYTES_A_LETTER = 70_000  # of separate ones, above all
# Peaks of the same run differ by some MiB, by what threads do when.
NOISE = 8 * 2**20


def run(bench):
    bench.space(10 * letters_of(bench) * BYTES_A_LETTER)
    few, many = peaks(bench, 1), peaks(bench, 10)
    columns = ["", "records", "peak MiB", "ten times", "flat", "bytes a further record"]
    result = Table("Peak memory, and with ten times the records", columns)
    for (name, records, peak), (_, more, later) in zip(few, many):
        flat = later <= 1.25 * peak + NOISE
        further = "" if flat else count((later - peak) / (more - records))
        result.add(name, count(records), mebibytes(peak), mebibytes(later), "yes" if flat else "no", further)
    yield result


def letters_of(bench):
    return bench.number(min(LETTERS, bench.records // 10), 50)


def peaks(bench, times):
    bench.empty()
    stream = times * bench.number(min(STREAM, bench.records // 10), 200)
    letters = times * letters_of(bench)
    by_typst = max(letters // 10, 20)
    found = []

    def look(name, records, command):
        found.append((name, records, measure.run(command, bench.folder, good=GOOD).peak_bytes))

    bench.patients(stream)
    resolve = f"pkb-resolve uploaded.ndjson {FHIR} --journal r.journal"
    tokens = f"pkb-tokens resolved.ndjson {FHIR} --journal t.journal"
    print_them = stamped("print", "fewer.ndjson").replace("--no-journal", "--journal l.journal")
    with bench.pkb():
        look("pkb-upload check", stream, "pkb-upload check patients.csv")
        look("pkb-upload", stream, "pkb-upload patients.csv --no-compare --journal u.journal --output uploaded.ndjson")
        look("pkb-resolve, FHIR", stream, f"{resolve} --output resolved.ndjson")
        look("pkb-resolve, from its journal", stream, resolve)
        look("pkb-resolve, passing", stream, "pkb-resolve resolved.ndjson")
        look("pkb-tokens, FHIR", stream, f"{tokens} --output invited.ndjson")
        look("pkb-tokens, from its journal", stream, tokens)
        bench.head("uploaded.ndjson", "rest.ndjson", letters)
        rest = "pkb-resolve rest.ndjson --rate 0 --concurrency 64 --registered-check off --partial"
        look("pkb-resolve, REST", letters, rest)
        bench.head("invited.ndjson", "fewer.ndjson", letters)
        print_default = f"{by_default('default', 'fewer.ndjson')} --output default.ndjson"
        look("pkb-letters --out print", letters, print_default)
        look("pkb verify print", letters, "pkb verify default default.ndjson")
        look("pkb-letters, one file", letters, f"{print_them} --output delivered.ndjson")
        look("pkb-letters, from its journal", letters, print_them)
        look("pkb verify, one file", letters, "pkb verify print delivered.ndjson")
        look("pkb-letters, separate", letters, f"{stamped('separate', 'fewer.ndjson')} --separate")
        bench.head("invited.ndjson", "few.ndjson", by_typst)
        typst = "pkb-letters few.ndjson --partial --out typst --no-journal --engine typst --no-verify"
        look("pkb-letters, typst", by_typst, typst)
    return found
