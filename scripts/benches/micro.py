"""The hot functions, by the benches of the crates."""

import subprocess

from .measure import Failed
from .surroundings import ROOT


def run(bench):
    for bench_file in sorted(ROOT.glob("crates/*/benches/*.rs")):
        crate, name = bench_file.parts[-3], bench_file.stem
        # As a test each function runs once.
        kind = ["test"] if bench.quick else ["bench"]
        done = subprocess.run(["cargo", *kind, "--quiet", "-p", crate, "--bench", name], cwd=ROOT, capture_output=True, text=True)
        if done.returncode:
            raise Failed(f"cargo {kind[0]} -p {crate} --bench {name} ended with {done.returncode}: {done.stderr.strip()}")
        yield f"{crate}, {name}\n\n```\n{done.stdout.strip()}\n```"
    if not any(ROOT.glob("crates/*/benches/*.rs")):
        yield "No crate has benches."
