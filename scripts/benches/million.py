"""A campaign of a million patients, from the patient file to merged letters, over FHIR, with journals."""

from . import measure
from .surroundings import FHIR, GOOD
from .table import Table, count, figure, mebibytes

BYTES_A_PATIENT = 8_000
AT_MOST_SECONDS = 3_600
PRINT = "--out print --engine stamp --letters-per-file 50000 --no-verify"
# Name, command, and the stream, journal and letters that it makes.
STAGES = [
    (
        "upload",
        "pkb-upload patients.csv --no-compare --journal u.journal --output uploaded.ndjson",
        "uploaded.ndjson",
        "u.journal",
        "",
    ),
    (
        "resolve",
        f"pkb-resolve uploaded.ndjson {FHIR} --journal r.journal --output resolved.ndjson",
        "resolved.ndjson",
        "r.journal",
        "",
    ),
    (
        "tokens",
        f"pkb-tokens resolved.ndjson {FHIR} --journal t.journal --output invited.ndjson",
        "invited.ndjson",
        "t.journal",
        "",
    ),
    (
        "letters",
        f"pkb-letters invited.ndjson {PRINT} --journal l.journal --output delivered.ndjson",
        "delivered.ndjson",
        "l.journal",
        "print",
    ),
    ("verify", "pkb verify print delivered.ndjson", "", "", ""),
]


def run(bench):
    patients = bench.records
    bench.space(patients * BYTES_A_PATIENT)
    bench.patients(patients)
    columns = ["", "patients/s", "seconds", "CPU s", "peak MiB", "records MiB", "journal MiB", "letters MiB"]
    result = Table(
        f"{patients:,} patients, from a patient file of {megabytes(bench, 'patients.csv')} MiB to letters", columns
    )
    done = []

    def add(name, seconds, cpu_seconds, peak_bytes, *sizes):
        result.add(
            name, figure(patients / seconds), figure(seconds), figure(cpu_seconds), mebibytes(peak_bytes), *sizes
        )

    with bench.pkb():
        for name, command, *made in STAGES:
            stage = measure.run(command, bench.folder, good=GOOD, at_most_seconds=AT_MOST_SECONDS)
            done.append(stage)
            add(name, stage.seconds, stage.cpu_seconds, stage.peak_bytes, *(megabytes(bench, path) for path in made))
    seconds, cpu_seconds = sum(stage.seconds for stage in done), sum(stage.cpu_seconds for stage in done)
    add("total", seconds, cpu_seconds, max(stage.peak_bytes for stage in done))
    disk = measure.size(bench.folder) / 2**30
    result.notes.append(
        f"{letters_among(bench, patients)} letters; all rows came out; {disk:.1f} GiB of disk at the end. One stage after "
        "the other, each from a file to a file. Verify reads the text of every page."
    )
    yield result


def megabytes(bench, path):
    return mebibytes(measure.size(bench.folder / path)) if path else ""


def letters_among(bench, patients):
    """How many letters there are, once it is certain that every row came out."""
    with open(bench.folder / "delivered.ndjson", "rb") as lines:
        letters = [b'"deliveries":' in line for line in lines]
    if len(letters) != patients:
        raise measure.Failed(f"{len(letters)} rows came out of {patients}")
    return count(sum(letters))
