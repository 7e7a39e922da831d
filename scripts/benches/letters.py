"""Letters by both of our engines, and by what else people make letters with."""

import contextlib
import filecmp
import json
import subprocess

from . import measure, other_letters
from .contest import Contender, bytes_each, hold, remove, table
from .surroundings import GOOD

OURS = 50_000
MADE_BY_DEFAULT = ("print", "delivered.ndjson", "delivered.ndjson.journal")
ENGINE = "the engine alone, written nowhere"
READ_AGAIN, FOR_TYPST = 10_000, 2_000
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
    bench.run(f"{stamped('tried', 'invited.ndjson')} --output delivered.ndjson")
    remove(bench.folder / "tried")
    # Records leave in the order in which they came.
    made = 0
    with contextlib.ExitStack() as files:
        opened = lambda name, mode: files.enter_context(open(bench.folder / name, mode, encoding="utf-8"))
        kept = opened("letters.ndjson", "w")
        for before, after in zip(opened("invited.ndjson", "r"), opened("delivered.ndjson", "r")):
            record = json.loads(after)
            if made < letters and "deliveries" in record and "outcome" not in record:
                kept.write(before)
                made += 1
    if made < letters:
        raise measure.Failed(f"only {made} of {letters} letters could be made")


def stamped(folder, records="letters.ndjson"):
    return f"pkb-letters {records} --partial --out {folder} --no-journal --no-verify --engine stamp --letters-per-file {OURS}"


def by_default(folder, records="letters.ndjson"):
    """As the guide has it: files of the usual length, all letters read again, a journal."""
    return f"pkb-letters {records} --partial --out {folder}"


def by_typst(folder, records):
    return f"pkb-letters {records} --partial --out {folder} --no-journal --no-verify --engine typst --letters-per-file 50"


def read_again(command):
    return command.replace(" --no-verify", "")


def ours(name, letters, folder, command):
    return Contender(name, letters, command, makes=(folder,), good=GOOD, ours=True)


def merged(bench, letters):
    read, few = fewer(bench, letters)
    onto_disk = "sh -c 'cat stamp/*.pdf && sync copy'"
    others = other_letters.contenders(bench)
    print_them = f"{by_default('print')} --output delivered.ndjson"
    contenders = [
        Contender("pkb-letters --out print", letters, print_them, makes=MADE_BY_DEFAULT, good=GOOD, ours=True),
        ours(f"one file of {letters:,}, not read again", letters, "stamp", stamped("stamp")),
        *engine_alone(bench, letters, letters),
        ours("one file, not read again, one core", letters, "one-core", f"taskset -c 0 {stamped('one-core')}"),
        ours("one file, read again", read, "read", read_again(stamped("read", "read.ndjson"))),
        ours("our typst, files of 50", few, "typst", by_typst("typst", "few.ndjson")),
        Contender("limit: cat of the first onto the disk", letters, onto_disk, output="copy", makes=("copy",)),
        *others,
    ]
    result = shown(bench, f"{letters:,} letters, merged", contenders)
    engine = [one.rate() for one in contenders if one.name == ENGINE and one.runs]
    quickest = max((one.rate() for one in others if one.runs), default=None)
    if engine and quickest:
        result.notes.append(f"The engine alone is {engine[0] / quickest:.1f} times as quick as the quickest program of others.")
    bench.run(stamped("unread", "read.ndjson"))
    same(bench, "unread", "read")
    result.notes.append("Letters that were read again have the same bytes as those that were not.")
    return result


def separate(bench, letters):
    read, few = fewer(bench, letters)
    return shown(
        bench,
        f"{letters:,} letters, a file each",
        [
            ours("stamp", letters, "stamp", f"{stamped('stamp')} --separate"),
            *engine_alone(bench, letters, 0),
            ours("stamp, one core", letters, "one-core", f"taskset -c 0 {stamped('one-core')} --separate"),
            ours("stamp, read again", read, "read", f"{read_again(stamped('read', 'read.ndjson'))} --separate"),
            ours("our typst", few, "typst", f"{by_typst('typst', 'few.ndjson')} --separate"),
        ],
    )


def fewer(bench, letters):
    """For what takes longer: how many letters are read again, and how many go to Typst."""
    read = bench.head("letters.ndjson", "read.ndjson", min(letters, READ_AGAIN))
    return read, bench.head("letters.ndjson", "few.ndjson", min(letters, bench.number(FOR_TYPST, 50)))


def shown(bench, title, contenders):
    hold(bench, contenders)
    same(bench, "stamp", "one-core")
    result = table(title, "letters", contenders, ("bytes each", bytes_each), ("tagged", lambda one: tagged(bench, one)))
    result.notes.append("The letters of one core and of two have the same bytes.")
    return result


def first(bench, letters):
    """How soon the first letter is there."""
    bench.head("letters.ndjson", "first.ndjson", 1)
    as_usual = "pkb-letters first.ndjson --partial --out first --no-journal --no-verify"
    for name, command in (("", as_usual), (", stamped", stamped("first", "first.ndjson"))):
        one = hold(bench, [ours(name, 1, "first", command)])[0]
        times = sorted(1000 * run.seconds for run in one.runs)
        between = f"{times[0]:.0f}..{times[-1]:.0f}"
        yield f"A stream of one letter{name}, from start to end: {1000 * one.seconds():.0f} ms ({between})"
    if example(bench).exists():
        said = "".join(
            measure_engine(bench, letters, a_file, threads) for a_file in (letters, 0) for threads in (1, 2)
        ).strip()
        yield f"The engine alone, merged and separate, by 1 and 2 threads (letters_per_second)\n\n```\n{said}\n```"


def example(bench):
    return bench.programs / "examples/letters_per_second"


def engine_command(bench, letters, a_file, threads):
    return [example(bench), *map(str, (letters, a_file, threads)), "", "auto"]


def measure_engine(bench, letters, a_file, threads):
    command = engine_command(bench, letters, a_file, threads)
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def engine_alone(bench, letters, a_file):
    """The engine without a stage around it, which writes nothing; if it was built."""
    command = engine_command(bench, letters, a_file, 2)
    return [Contender(ENGINE, letters, command)] if example(bench).exists() else []


def tagged(bench, one):
    """Whether a PDF says what its parts are, for those who cannot see it."""
    if not one.makes:
        return ""
    made = bench.folder / one.makes[0]
    file = next(made.rglob("*.pdf"), made) if made.is_dir() else made
    if file.suffix != ".pdf" or bench.lacks(("pdfinfo", "poppler-utils")):
        return ""
    said = subprocess.run(["pdfinfo", file], capture_output=True, text=True, errors="replace").stdout
    return next((line.split()[-1] for line in said.splitlines() if line.startswith("Tagged:")), "")


def same(bench, one, other):
    """Ends unless two folders have the same letters, byte for byte."""
    files = sorted(path.relative_to(bench.folder / one) for path in (bench.folder / one).rglob("*.pdf"))
    _, differ, gone = filecmp.cmpfiles(bench.folder / one, bench.folder / other, files, shallow=False)
    if differ or gone or not files:
        raise measure.Failed(f"{one} and {other} have not the same letters")
