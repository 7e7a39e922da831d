"""Several commands on the same work, in turn, round after round."""

import os
import pathlib
import shutil
from dataclasses import dataclass, field

from . import measure
from .surroundings import warn
from .table import Table, count, figure, mebibytes, middle


@dataclass
class Contender:
    """A command and how many records it is given. Slow ones get fewer of the same: rates are compared."""

    name: str
    records: int
    command: "str | list"  # as `measure.run` takes it
    makes: tuple = ()  # files and folders that count as its bytes; removed before each run
    reads: tuple = ()  # what counts besides where bytes that are moved are counted
    output: str = os.devnull
    good: tuple = (0,)
    ours: bool = False
    missing: str = ""  # what is to be installed first
    runs: list = field(default_factory=list)
    failure: str = ""
    made_bytes: int = 0
    read_bytes: int = 0

    def rates(self):
        return [self.records / run.seconds for run in self.runs]

    def rate(self):
        return middle(self.rates())

    def seconds(self):
        return middle(run.seconds for run in self.runs)

    def cpu_micros(self):
        return middle(run.cpu_seconds for run in self.runs) * 1e6 / self.records

    def peak_bytes(self):
        return max(run.peak_bytes for run in self.runs)


def hold(bench, contenders):
    """Runs all in turn, `bench.rounds` times. Ours must not fail; another that fails is out."""
    for _ in range(bench.rounds):
        for contender in contenders:
            if contender.missing or contender.failure:
                continue
            for path in contender.makes:
                remove(bench.folder / path)
            try:
                contender.runs.append(
                    measure.run(contender.command, bench.folder, bench.folder / contender.output, contender.good)
                )
            except measure.Failed as failed:
                if contender.ours:
                    raise
                contender.failure = str(failed)
            contender.made_bytes = sum(measure.size(bench.folder / path) for path in contender.makes)
            contender.read_bytes = sum(measure.size(bench.folder / path) for path in contender.reads)
    return contenders


def table(title, unit, contenders, *more):
    """Rates and what they cost, compared with the first; and more columns: title, and function of a contender."""
    costs = ["lowest..highest", "first ÷ this", "CPU µs each", "peak MiB"]
    result = Table(title, ["", unit, f"{unit}/s", *costs, *(title for title, _ in more)])
    first = next((one for one in contenders if one.runs), None)
    for one in contenders:
        if one.missing:
            result.add(f"{one.name}: not here")
        elif not one.runs:
            result.add(f"{one.name}: failed")
        else:
            rates = one.rates()
            result.add(
                one.name,
                count(one.records),
                figure(one.rate()),
                f"{figure(min(rates))}..{figure(max(rates))}",
                "" if one is first else figure(first.rate() / one.rate()),
                figure(one.cpu_micros()),
                mebibytes(one.peak_bytes()),
                *(column(one) for _, column in more),
            )
        if one.failure:
            warn(f"{one.name}: {one.failure}")
    return result


def bytes_each(one):
    return count(one.made_bytes / one.records)


def megabytes_a_second(one):
    """What is read and written, for a look at how near the disk's own speed it is."""
    return count((one.read_bytes + one.made_bytes) / one.seconds() / 1e6)


def remove(path):
    path = pathlib.Path(path)
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
