"""Finished letters, read again."""

from .contest import Contender, hold, table
from .letters import head, one_core, ready, stamped
from .surroundings import GOOD

FEWER, WITH_CODES = 10_000, 1_000


def run(bench):
    letters = bench.number(min(50_000, bench.records), 100)
    ready(bench, letters)

    def made(count, name):
        """A folder with so many letters, and the command that reads them again."""
        count = head(bench, letters, count, f"{name}-letters.ndjson")
        bench.run(*stamped(name, f"{name}-letters.ndjson"), "--output", f"{name}.ndjson")
        return count, ["pkb-letters", "verify", name, f"{name}.ndjson", "--square-codes"]

    all_letters, verify_all = made(letters, "all")
    fewer, verify_fewer = made(FEWER, "fewer")
    codes, verify_codes = made(bench.number(WITH_CODES, 20), "codes")
    yield table("Finished letters, read again", "letters", hold(bench, [
        Contender("the text of every page", all_letters, [*verify_all, "none"], good=GOOD, ours=True),
        Contender("text, one core", fewer, one_core([*verify_fewer, "none"]), good=GOOD, ours=True),
        Contender("text and all square codes", codes, [*verify_codes, "all"], good=GOOD, ours=True),
        Contender("pdftotext: text, nothing compared", fewer, ["sh", "-c", "pdftotext fewer/*.pdf text"],
                  missing=bench.lacks(("pdftotext", "poppler-utils"))),
    ]))
