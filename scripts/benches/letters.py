"""Letters by both of our engines, and by what else people make letters with."""

import filecmp
import json
import subprocess

from . import measure
from .contest import Contender, bytes_each, hold, remove, table
from .surroundings import GOOD

OURS = 50_000
READ_AGAIN = 10_000
BYTES_A_LETTER = 150_000  # of all files of this part together, those of separate letters above all
# One of ten invented patients gets no letter: too young, or without an address. A few more are to spare.
PATIENTS_A_LETTER = 1.2


def run(bench):
    letters = bench.number(min(OURS, bench.records), 100)
    bench.space(letters * BYTES_A_LETTER)
    ready(bench, letters)
    yield merged(bench, letters)
    yield separate(bench, letters)
    yield from first(bench, letters)


def ready(bench, letters):
    """Exactly so many records that become letters, in letters.ndjson."""
    bench.invited(int(letters * PATIENTS_A_LETTER))
    bench.run(*stamped("tried", "invited.ndjson"), "--output", "delivered.ndjson")
    remove(bench.folder / "tried")
    delivered = {}
    with open(bench.folder / "delivered.ndjson", encoding="utf-8") as lines:
        for line in lines:
            record = json.loads(line)
            if "delivery" in record and "outcome" not in record:
                delivered[record["row"]["number"]] = line
    with open(bench.folder / "invited.ndjson", encoding="utf-8") as lines, open(bench.folder / "letters.ndjson", "w", encoding="utf-8") as kept:
        left = letters
        for line in lines:
            if left and json.loads(line)["row"]["number"] in delivered:
                kept.write(line)
                left -= 1
    if left:
        raise measure.Failed(f"{left} letters of {letters} are missing")


def stamped(folder, records="letters.ndjson", a_file=OURS):
    return ["pkb-letters", records, "--partial", "--out", folder, "--no-verify", "--engine", "stamp", "--letters-per-file", a_file]


def ours(name, letters, command):
    folder = command[command.index("--out") + 1]
    return Contender(name, letters, command, makes=(folder,), good=GOOD, ours=True)


def one_core(command):
    return ["taskset", "-c", "0", *command]


def verified(command):
    return [word for word in command if word != "--no-verify"]


def by_typst(command, a_file):
    words = list(command)
    words[words.index("--engine") + 1] = "typst"
    words[words.index("--letters-per-file") + 1] = a_file
    return words


def merged(bench, letters):
    read = head(bench, letters, READ_AGAIN, "read.ndjson")
    few = head(bench, letters, bench.number(2_500, 50), "few.ndjson")
    contenders = hold(bench, [
        ours(f"stamp, one file of {letters:,}", letters, stamped("stamp")),
        ours("stamp, one core", letters, one_core(stamped("stamp-one-core"))),
        ours("stamp, read again", read, verified(stamped("stamp-read", "read.ndjson"))),
        ours("our typst, files of 50", few, by_typst(stamped("typst", "few.ndjson"), 50)),
        Contender("limit: cat of the first onto the disk", letters, ["sh", "-c", "cat stamp/*.pdf && sync copy"], output="copy", makes=("copy",)),
        *others(bench),
    ])
    same(bench, "stamp", "stamp-one-core")
    bench.run(*stamped("stamp-unread", "read.ndjson"))
    same(bench, "stamp-unread", "stamp-read")
    result = table(f"{letters:,} letters, merged", "letters", contenders, ("bytes each", bytes_each), ("tagged", tagged(bench)))
    result.notes.append("The letters of one core and of two have the same bytes, and so have those that were read again and those that were not.")
    return result


def separate(bench, letters):
    read = head(bench, letters, READ_AGAIN, "read.ndjson")
    few = head(bench, letters, bench.number(1_000, 50), "few.ndjson")
    alone = lambda command: [*command, "--separate"]
    contenders = hold(bench, [
        ours("stamp", letters, alone(stamped("stamp"))),
        ours("stamp, one core", letters, one_core(alone(stamped("stamp-one-core")))),
        ours("stamp, read again", read, verified(alone(stamped("stamp-read", "read.ndjson")))),
        ours("our typst", few, alone(by_typst(stamped("typst", "few.ndjson"), 500))),
    ])
    same(bench, "stamp", "stamp-one-core")
    result = table(f"{letters:,} letters, a file each", "letters", contenders, ("bytes each", bytes_each), ("tagged", tagged(bench)))
    result.notes.append("The letters of one core and of two have the same bytes.")
    return result


def first(bench, letters):
    """How soon the first letter is there."""
    head(bench, letters, 1, "first.ndjson")
    one = hold(bench, [ours("", 1, stamped("first", "first.ndjson"))])[0]
    times = [f"{1000 * seconds:.0f}" for seconds in sorted(run.seconds for run in one.runs)]
    yield f"A stream of one letter, from start to end: {1000 * one.seconds():.0f} ms ({times[0]}..{times[-1]})"
    example = bench.programs / "examples/letters_per_second"
    if example.exists():
        said = [subprocess.run([example, str(letters), str(letters), str(threads), "", "stamp"], capture_output=True, text=True, check=True).stdout
                for threads in (1, 2)]
        yield "The engine alone, without records and files, 1 and 2 threads (the example letters_per_second)\n\n```\n" + "".join(said).rstrip() + "\n```"


def others(bench):
    """What others make letters with: each is given what takes it some seconds."""
    def other(name, letters, command, makes, *missing):
        return Contender(name, letters, command, makes=(makes,), missing=" ".join(filter(None, [bench.lacks_python("segno"), *missing])))

    def two_steps(script, source, letters, then):
        made = " ".join(map(str, bench.python(script, "letters.ndjson", letters, source)))
        return ["sh", "-c", f"{made} && {then}"]

    def number(full):
        return bench.number(full, 5)

    n = number(4_000)
    yield other(named("pdflatex"), n, two_steps("letters_latex.py", "latex.tex", n, "pdflatex -interaction=batchmode latex.tex"), "latex.pdf",
                bench.lacks(("pdflatex", "texlive-latex-base texlive-fonts-recommended")))
    n = number(1_500)
    yield other(bench.named("typst", "typst for Python"), n, bench.python("letters_typst.py", "letters.ndjson", n, "python-typst.pdf"), "python-typst.pdf",
                bench.lacks_python("typst"))
    n = number(1_500)
    yield other(bench.named("reportlab", "ReportLab"), n, bench.python("letters_reportlab.py", "letters.ndjson", n, "reportlab.pdf"), "reportlab.pdf",
                bench.lacks_python("reportlab"))
    n = number(1_000)
    print_it = ("chromium --headless --no-sandbox --disable-gpu --no-pdf-header-footer --user-data-dir=chromium "
                "--print-to-pdf=chromium.pdf file://$PWD/chromium.html")
    yield other(named("chromium", "Chromium"), n, two_steps("letters_html.py", "chromium.html", n, print_it), "chromium.pdf", bench.lacks(("chromium", "chromium")))
    n = number(400)
    convert = "soffice --headless -env:UserInstallation=file://$PWD/office --convert-to pdf office.fodt"
    yield other(named("soffice", "LibreOffice"), n, two_steps("letters_office.py", "office.fodt", n, convert), "office.pdf",
                bench.lacks(("soffice", "libreoffice-writer-nogui")))
    n = number(100)
    yield other(bench.named("weasyprint", "WeasyPrint"), n, bench.python("letters_weasyprint.py", "letters.ndjson", n, "weasyprint.pdf"), "weasyprint.pdf",
                bench.lacks_python("weasyprint"))


def head(bench, letters, count, name):
    """The first of the records that become letters."""
    count = min(count, letters)
    with open(bench.folder / "letters.ndjson", "rb") as lines, open(bench.folder / name, "wb") as few:
        few.writelines(line for line, _ in zip(lines, range(count)))
    return count


def tagged(bench):
    def look(one):
        made = bench.folder / one.makes[0]
        file = next(made.rglob("*.pdf"), None) if made.is_dir() else made
        if file is None or file.suffix != ".pdf":
            return ""
        try:
            said = subprocess.run(["pdfinfo", file], capture_output=True, text=True, errors="replace").stdout.splitlines()
        except OSError:
            return "?"
        return next((line.split()[-1] for line in said if line.startswith("Tagged:")), "")
    return look


def named(program, name=None):
    """A program and its version, the number alone, as a table says it."""
    try:
        words = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=20).stdout.split()
    except (OSError, subprocess.TimeoutExpired):
        words = []
    version = next((word.split("-")[-1] for word in words if word[-1:].isdigit()), "")
    return f"{name or program} {version}".strip()


def same(bench, one, other):
    """The same files with the same bytes."""
    files = sorted(path.relative_to(bench.folder / one) for path in (bench.folder / one).rglob("*.pdf"))
    _, differ, gone = filecmp.cmpfiles(bench.folder / one, bench.folder / other, files, shallow=False)
    if differ or gone or not files:
        raise measure.Failed(f"{one} and {other} have not the same letters")
