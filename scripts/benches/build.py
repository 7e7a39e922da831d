"""The first build: a fresh clone, its demo, then its tests, with nothing compiled before."""

import os
import re
import shutil
import subprocess

from . import measure
from .surroundings import ROOT
from .table import Table, count, figure

AT_MOST_SECONDS = 5_400
SPACE = 25 * 2**30
COMMANDS = ("scripts/demo", "scripts/test")


def run(bench):
    bench.space(SPACE)
    clone = bench.folder / "clone"
    subprocess.run(["git", "clone", "--quiet", ROOT, clone], check=True)
    result = Table("From a fresh clone", ["", "minutes", "CPU minutes", "crates compiled"])
    # The clone compiles for itself.
    before = os.environ.pop("CARGO_TARGET_DIR", None)
    try:
        for command in COMMANDS:
            one = measure.run(str(clone / command), clone, at_most_seconds=AT_MOST_SECONDS)
            said = (clone / "messages").read_text(errors="replace")
            compiled = len(re.findall(r"(?m)^ *(?:Compiling|Checking) ", said))
            result.add(command, figure(one.seconds / 60), figure(one.cpu_seconds / 60), count(compiled))
    finally:
        if before is not None:
            os.environ["CARGO_TARGET_DIR"] = before
    result.notes.append(f"{packages_locked()} crates in Cargo.lock; {packages_of('pkb-tokens')} in the tree of pkb-tokens, ours included.")
    yield result
    shutil.rmtree(clone)


def packages_locked():
    return (ROOT / "Cargo.lock").read_text().count("[[package]]")


def packages_of(program):
    tree = ["cargo", "tree", "--package", program, "--edges", "normal", "--prefix", "none", "--format", "{p}"]
    said = subprocess.run(tree, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return len({line.removesuffix(" (*)") for line in said.splitlines() if line})
