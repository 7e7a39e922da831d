"""scripts/RESULTS.md: each part has a section, which says when and on what it was measured, and is renewed alone."""

import datetime
import os
import pathlib
import platform
import re
import subprocess

from .surroundings import ROOT

RESULTS = ROOT / "scripts" / "RESULTS.md"
HEAD = """# Results

Written by `scripts/bench --write`, a section for each of its parts: see `pkb help results`. Rates are medians of several
rounds, in which all contenders do the same work in turn. Peak memory is that of a program and all that it starts.
"""


def write(part, about, text, order):
    """Puts a part's section in the place of its last one."""
    found = re.split(r"(?m)^## ", RESULTS.read_text()) if RESULTS.exists() else [HEAD]
    sections = {section.split("\n", 1)[0]: section for section in found[1:]}
    sections[part] = f"{part}\n\n{about}\n\n{text.strip()}\n"
    known = [name for name in order if name in sections]
    RESULTS.write_text("\n".join([HEAD.rstrip() + "\n", *(f"## {sections[name].rstrip()}\n" for name in known)]))


def about(rounds, profile, busy):
    """Machine, compiler, commit and day, in two lines; and if the machine had other work, how much."""
    cpu = next(
        (line.split(":", 1)[1].strip() for line in lines("/proc/cpuinfo") if line.startswith("model name")),
        platform.machine(),
    )
    memory = next((int(line.split()[1]) / 2**20 for line in lines("/proc/meminfo") if line.startswith("MemTotal")), 0)
    commit = said("git", "-C", str(ROOT), "rev-parse", "--short", "HEAD") or "unknown"
    if said("git", "-C", str(ROOT), "status", "--porcelain", "--untracked-files=no", "--", ".", ":!scripts/RESULTS.md"):
        commit += " and changes"
    kernel = platform.release().split("-")[0]
    day = datetime.datetime.now(datetime.timezone.utc).date()
    return (
        f"{day}, commit {commit}, {said('rustc', '--version') or 'rustc unknown'}, {profile} build, {rounds} rounds;\n"
        f"{cpu}, {len(os.sched_getaffinity(0))} cores, {memory:.0f} GiB, {platform.system()} {kernel}"
        + (f"; busy with other work (load {busy:.1f})." if busy else ".")
    )


def lines(path):
    return pathlib.Path(path).read_text().splitlines() if os.path.exists(path) else []


def said(*command):
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""
