"""A campaign of a million patients, from the patient file to merged letters, over FHIR, with journals."""

from . import measure
from .surroundings import GOOD
from .table import Table, count, figure, mebibytes

BYTES_A_PATIENT = 8_000
FHIR = ["--rate", "0", "--api", "fhir"]


def run(bench):
    patients = bench.records
    bench.space(patients * BYTES_A_PATIENT)
    bench.patients(patients)
    stages = [
        ("upload", ["pkb-upload", "patients.csv", "--output", "uploaded.ndjson"], ["uploaded.ndjson"]),
        ("resolve", ["pkb-resolve", "uploaded.ndjson", *FHIR, "--output", "resolved.ndjson"], ["resolved.ndjson"]),
        ("tokens", ["pkb-tokens", "resolved.ndjson", *FHIR, "--output", "invited.ndjson"], ["invited.ndjson"]),
        ("letters", ["pkb-letters", "invited.ndjson", "--engine", "stamp", "--letters-per-file", "50000", "--no-verify", "--out", "print",
                     "--output", "delivered.ndjson"], ["delivered.ndjson", "print"]),
        ("verify", ["pkb-letters", "verify", "print", "delivered.ndjson", "--square-codes", "none"], []),
    ]
    result = Table(f"{patients:,} patients, from {mebibytes(measure.size(bench.folder / 'patients.csv'))} MiB of CSV to letters",
                   ["", "patients/s", "seconds", "CPU s", "peak MiB", "records MiB", "journal MiB", "letters MiB"])
    done, disk = [], 0
    with bench.pkb():
        for name, command, made in stages:
            journal = f"{name}.journal"
            if made:
                command += ["--journal", journal]
            stage = measure.run(command, bench.folder, good=GOOD, at_most_seconds=3600)
            done.append(stage)
            records, noted, papers = (measure.size(bench.folder / path) for path in (made[0] if made else "-", journal, made[1] if made[1:] else "-"))
            disk += records + noted + papers
            result.add(name, figure(patients / stage.seconds), figure(stage.seconds), figure(stage.cpu_seconds), mebibytes(stage.peak_bytes),
                       *(mebibytes(size) if size else "" for size in (records, noted, papers)))
    seconds = sum(stage.seconds for stage in done)
    result.add("total", figure(patients / seconds), figure(seconds), figure(sum(stage.cpu_seconds for stage in done)),
               mebibytes(max(stage.peak_bytes for stage in done)))
    with open(bench.folder / "delivered.ndjson", "rb") as lines:
        rows = letters = 0
        for line in lines:
            rows += 1
            letters += b'"delivery":' in line
    if rows != patients:
        raise measure.Failed(f"{rows} rows came out of {patients}")
    result.notes.append(f"{count(letters)} letters; all rows came out; {disk / 2**30:.1f} GiB of disk in all. One stage after the other, each "
                        "from a file to a file; the text of every page is read again.")
    yield result
