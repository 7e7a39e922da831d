"""What a part works with: our programs, other people's, a folder, and a local PKB."""

import contextlib
import itertools
import json
import os
import pathlib
import shlex
import shutil
import subprocess
import sys
import tempfile
import time

from . import measure

ROOT = pathlib.Path(__file__).resolve().parents[2]
CONTENDERS = pathlib.Path(__file__).parent / "contenders"
# A row that is rejected, as some invented ones are on purpose, does not make a run a bad one.
GOOD = (0, 65)
FHIR = "--rate 0 --api fhir"
OUT_OF_SPACE_IS_NEAR = 2 * 2**30


class Bench:
    def __init__(self, quick, rounds, records, target, profile, programs):
        self.quick, self.rounds = quick, rounds
        self.records = 2_000 if quick else records
        self.programs = programs or target / ("debug" if profile == "dev" else profile)
        self.profile = profile
        self.venv = pathlib.Path(os.environ.get("PKB_BENCH_VENV", target / "bench-venv"))
        self.debian, self.pypi, self.advice = set(), set(), set()
        folder = os.environ.get("TMPDIR") or target
        pathlib.Path(folder).mkdir(parents=True, exist_ok=True)
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="bench-", dir=folder))
        os.umask(0o077)
        os.environ["PATH"] = f"{self.programs}:{os.environ['PATH']}"
        # Settings of whoever calls are for real campaigns.
        for name in list(os.environ):
            if name == "PYTHONPATH" or name.startswith("PKB_") and not name.startswith("PKB_BENCH_"):
                del os.environ[name]

    def close(self):
        shutil.rmtree(self.folder, ignore_errors=True)

    def number(self, full, quick):
        return quick if self.quick else full

    def empty(self):
        """Each part begins with an empty folder."""
        for path in self.folder.iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()

    def space(self, needed):
        """Says so and ends if the disk has no room for so many bytes."""
        free = shutil.disk_usage(self.folder).free
        if free < needed + OUT_OF_SPACE_IS_NEAR:
            raise measure.Failed(
                f"this needs {needed / 2**30:.1f} GiB of disk and 2 that stay free, of {free / 2**30:.1f} that are free: "
                "set PKB_BENCH_RECORDS lower, or TMPDIR to a folder with more room"
            )

    # Other people's programs: what is missing is told once, at the end.

    def lacks(self, *programs_and_packages):
        """What is missing of (program, Debian package) pairs, as words; empty if all are here."""
        missing = [package for program, package in programs_and_packages if not shutil.which(program)]
        self.debian.update(missing)
        return " ".join(missing)

    def lacks_python(self, *packages):
        missing = [package for package in packages if not any(self.venv.glob(f"lib/python3*/site-packages/{package}"))]
        self.pypi.update(missing)
        return " ".join(missing)

    def python(self, script, *arguments):
        """A contender's script, with the packages from PyPI."""
        return [self.venv / "bin/python", CONTENDERS / script, *arguments]

    def named(self, package, name=None):
        """A package from PyPI and its version, as a table says it."""
        found = next(self.venv.glob(f"lib/python3*/site-packages/{package}-*.dist-info"), None)
        version = found.name.removesuffix(".dist-info").split("-")[-1] if found else ""
        return f"{name or package} {version}".strip()

    def what_is_missing(self):
        words = []
        if self.debian:
            words.append("apt-get install " + " ".join(sorted(self.debian)))
        if self.pypi:
            folder = os.path.relpath(self.venv)
            words.append(f"python3 -m venv {folder} && {folder}/bin/pip install " + " ".join(sorted(self.pypi)))
        return words + sorted(self.advice)

    # Our programs

    def run(self, command):
        """Something that has to be done and is not a contest."""
        return measure.run(command, self.folder, good=GOOD)

    def patients(self, count, output="patients.csv"):
        self.run(f"pkb-sandbox patients --count {count} --beyond-test-range --output {output}")

    def invited(self, count):
        """Records with codes of so many patients, made by the stages, in invited.ndjson."""
        self.patients(count)
        with self.pkb():
            self.run("pkb-upload patients.csv --no-compare --no-journal --replace --output uploaded.ndjson")
            self.run(f"pkb-resolve uploaded.ndjson {FHIR} --no-journal --replace --output resolved.ndjson")
            self.run(f"pkb-tokens resolved.ndjson {FHIR} --no-journal --replace --output invited.ndjson")

    def head(self, source, target, count):
        """The first lines of a file in another; how many were asked for."""
        with open(self.folder / source, "rb") as lines, open(self.folder / target, "wb") as kept:
            kept.writelines(itertools.islice(lines, count))
        return count

    @contextlib.contextmanager
    def pkb(self, latency_ms=None):
        """A local PKB, its settings in the environment. A call about a patient takes so long, as its faults say it."""
        address, faults = self.folder / "address", self.folder / "faults.json"
        address.unlink(missing_ok=True)
        latency = {"endpoint": "by_national_id", "when": {"always": True}, "fault": {"latency_ms": latency_ms}}
        faults.write_text(json.dumps({"rules": [latency] if latency_ms else []}))
        before = dict(os.environ)
        with open(self.folder / "pkb.log", "wb") as log:
            server = subprocess.Popen(
                [
                    "pkb-sandbox",
                    "serve",
                    "--listen",
                    "127.0.0.1:0",
                    "--port-file",
                    "address",
                    "--quiet",
                    "--faults",
                    "faults.json",
                ],
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        try:
            for _ in range(200):
                if address.is_file() and address.read_text().strip():
                    break
                time.sleep(0.05)
            else:
                raise measure.Failed("the local PKB did not start: " + (self.folder / "pkb.log").read_text().strip())
            exports = subprocess.run(
                ["pkb-sandbox", "env", "--listen", address.read_text().strip()],
                capture_output=True,
                text=True,
                check=True,
            ).stdout
            for line in exports.splitlines():
                name, _, value = line.removeprefix("export ").partition("=")
                if name != "PATH":
                    os.environ[name] = shlex.split(value)[0]
            yield server
        finally:
            os.environ.clear()
            os.environ.update(before)
            server.terminate()
            server.wait()


def say(words):
    print(words, flush=True)


def warn(words):
    print(f"bench: {words}", file=sys.stderr, flush=True)
