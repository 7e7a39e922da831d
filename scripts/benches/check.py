"""A patient file, checked: pkb-upload check beside what else looks at CSV."""

import shutil

from .contest import Contender, hold, table
from .surroundings import GOOD, ROOT


def run(bench):
    rows = bench.records
    fewer = max(rows // 5, 1)
    bench.patients(rows)
    bench.patients(fewer, "fewer.csv")
    qsv = shutil.which("qsv") or shutil.which("qsvlite")
    if not qsv:
        bench.advice.add("cargo install --locked qsv --bin qsvlite --features lite")
    check = "pkb-upload check patients.csv"
    csvclean = [bench.venv / "bin/csvclean", "--length-mismatch", "fewer.csv"]
    contenders = [
        Contender("pkb-upload check", rows, check, good=GOOD, ours=True),
        Contender("pkb-upload check, one core", rows, f"taskset -c 0 {check}", good=GOOD, ours=True),
        Contender("limit: cat of the file", rows, "cat patients.csv", output="copy", makes=("copy",)),
        Contender("Python's csv, like rules", fewer, ["python3", ROOT / "scripts/check-with-python", "fewer.csv"]),
        Contender(
            f"{bench.named('csvkit')}: csvclean, lengths of rows", fewer, csvclean, missing=bench.lacks_python("csvkit")
        ),
        Contender(
            "qsv: validate, lengths of rows", rows, [qsv, "validate", "patients.csv"], missing="" if qsv else "qsv"
        ),
    ]
    yield table(f"{rows:,} rows of a patient file", "rows", hold(bench, contenders))
