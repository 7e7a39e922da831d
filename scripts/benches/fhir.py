"""One patient a request, and thousands: REST and FHIR."""

from .contest import Contender, hold, table
from .surroundings import FHIR, GOOD

REST = "--rate 0 --concurrency 64"


def run(bench):
    patients = bench.number(min(bench.records, 100_000), 2_000)

    def contender(name, command, output):
        return Contender(name, patients, command, output=output, makes=(output,), good=GOOD, ours=True)

    bench.patients(patients)
    with bench.pkb():
        bench.run("pkb-upload patients.csv --no-compare --no-journal --replace --output uploaded.ndjson")
        found = [
            contender("resolve by FHIR", f"pkb-resolve uploaded.ndjson {FHIR}", "by-fhir.ndjson"),
            contender(
                "resolve by REST", f"pkb-resolve uploaded.ndjson {REST} --registered-check off", "by-rest.ndjson"
            ),
        ]
        yield table(f"Finding {patients:,} patients", "patients", hold(bench, found))
        invited = [
            contender("tokens by FHIR", f"pkb-tokens by-fhir.ndjson {FHIR}", "invited.ndjson"),
            contender("tokens by REST", f"pkb-tokens by-rest.ndjson {REST}", "invited.ndjson"),
        ]
        yield table(f"Codes for {patients:,} patients", "patients", hold(bench, invited))
