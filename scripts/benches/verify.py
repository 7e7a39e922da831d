"""Finished letters, read again."""

from .contest import Contender, hold, table
from .letters import ready, stamped
from .surroundings import GOOD

FEWER, WITH_CODES = 10_000, 1_000


def run(bench):
    letters = bench.number(min(50_000, bench.records), 100)
    ready(bench, letters)

    def made(name, count):
        """A folder with so many letters; how many, and the command that reads them again."""
        count = bench.head("letters.ndjson", f"{name}-letters.ndjson", min(count, letters))
        bench.run(f"{stamped(name, f'{name}-letters.ndjson')} --output {name}.ndjson")
        return count, f"pkb verify {name} {name}.ndjson --square-codes"

    every, verify_every = made("every", letters)
    fewer, verify_fewer = made("fewer", FEWER)
    codes, verify_codes = made("codes", bench.number(WITH_CODES, 20))
    poppler = bench.lacks(("pdftotext", "poppler-utils"))
    contenders = [
        Contender("the text of every page", every, f"{verify_every} none", good=GOOD, ours=True),
        Contender("text, one core", fewer, f"taskset -c 0 {verify_fewer} none", good=GOOD, ours=True),
        Contender("text and all square codes", codes, f"{verify_codes} all", good=GOOD, ours=True),
        Contender("pdftotext: text, nothing compared", fewer, "sh -c 'pdftotext fewer/*.pdf text'", missing=poppler),
    ]
    yield table("Finished letters, read again", "letters", hold(bench, contenders))
