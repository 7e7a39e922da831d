"""The hot functions, by the benches of the crates."""

import subprocess

from .measure import Failed
from .surroundings import ROOT


def run(bench):
    names = sorted({path.stem for path in ROOT.glob("crates/*/benches/*.rs")})
    if not names:
        yield "No crate has benches."
        return
    # As a test, each function runs once. The whole workspace, so that nothing is built again with other features.
    command = [
        "cargo",
        "test" if bench.quick else "bench",
        "--quiet",
        "--workspace",
        *(word for name in names for word in ("--bench", name)),
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        raise Failed(f"{' '.join(command)} ended with {done.returncode}: {done.stderr.strip()}")
    yield f"{', '.join(names)}\n\n```\n{done.stdout.strip()}\n```"
