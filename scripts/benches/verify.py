"""Finished letters, read again."""

from .contest import Contender, hold, table
from .letters import one_core, ready, stamped
from .surroundings import GOOD


def run(bench):
    letters = bench.number(min(50_000, bench.records), 100)
    ready(bench, letters)
    bench.run(*stamped("print"), "--output", "letters.delivered")
    verify = ["pkb-letters", "verify", "print", "letters.delivered", "--square-codes"]
    yield table(f"{letters:,} letters in one file, read again", "letters", hold(bench, [
        Contender("verify, the text of every page", letters, [*verify, "none"], good=GOOD, ours=True),
        Contender("verify, text, one core", letters, one_core([*verify, "none"]), good=GOOD, ours=True),
        Contender("verify, text and all square codes", letters, [*verify, "all"], good=GOOD, ours=True),
        Contender("pdftotext: text, nothing compared", letters, ["sh", "-c", "pdftotext print/*.pdf text"],
                  missing=bench.lacks(("pdftotext", "poppler-utils"))),
    ]))
