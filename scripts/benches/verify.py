"""Finished letters, read again."""

from .contest import Contender, hold, table
from .letters import by_default, ready, stamped
from .surroundings import GOOD

FEWER, BY_CAMERA = 10_000, 1_000


def run(bench):
    letters = bench.number(min(50_000, bench.records), 100)
    ready(bench, letters)

    def made(name, count, command=stamped):
        """A folder with so many letters; how many, and the command that reads them again."""
        count = bench.head("letters.ndjson", f"{name}-letters.ndjson", min(count, letters))
        bench.run(f"{command(name, f'{name}-letters.ndjson')} --output {name}.ndjson")
        return count, f"pkb verify {name} {name}.ndjson"

    default, verify_default = made("print", letters, by_default)
    every, verify_every = made("every", letters)
    fewer, verify_fewer = made("fewer", FEWER)
    seen, verify_seen = made("seen", bench.number(BY_CAMERA, 20))
    poppler = bench.lacks(("pdftotext", "poppler-utils"))
    contenders = [
        Contender("pkb verify print delivered.ndjson", default, verify_default, good=GOOD, ours=True),
        Contender("one file", every, verify_every, good=GOOD, ours=True),
        Contender("one file, one core", fewer, f"taskset -c 0 {verify_fewer}", good=GOOD, ours=True),
        Contender("each by a camera, too", seen, f"{verify_seen} --qr-codes camera", good=GOOD, ours=True),
        Contender("pdftotext: text, nothing compared", fewer, "sh -c 'pdftotext fewer/*.pdf text'", missing=poppler),
    ]
    yield table("Finished letters, read again", "letters", hold(bench, contenders))
