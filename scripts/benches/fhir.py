"""One patient a request, and thousands: REST and FHIR."""

from .contest import Contender, hold, table
from .surroundings import GOOD


def run(bench):
    patients = bench.number(min(bench.records, 100_000), 2_000)
    bench.patients(patients)
    with bench.pkb():
        bench.run("pkb-upload", "patients.csv", "--output", "uploaded.ndjson")
        resolve = ["pkb-resolve", "uploaded.ndjson", "--rate", "0"]
        tokens = ["pkb-tokens", "--rate", "0"]
        one_by_one = ["--concurrency", "64"]

        def contender(name, command):
            output = f"{name}.ndjson".replace(" ", "-")
            return Contender(name, patients, command, makes=(output,), output=output, good=GOOD, ours=True)

        yield table(f"Finding {patients:,} patients", "patients", hold(bench, [
            contender("resolve by FHIR", [*resolve, "--api", "fhir"]),
            contender("resolve by REST", [*resolve, *one_by_one, "--registered-check", "off"]),
        ]))
        yield table(f"Codes for {patients:,} patients", "patients", hold(bench, [
            contender("tokens by FHIR", [*tokens, "resolve-by-FHIR.ndjson", "--api", "fhir"]),
            contender("tokens by REST", [*tokens, "resolve-by-REST.ndjson", *one_by_one]),
        ]))
