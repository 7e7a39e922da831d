"""One run of a command: time, processor time, and the peak memory of the command and all that it starts."""

import os
import pathlib
import resource
import shlex
import signal
import subprocess
import threading
import time
from dataclasses import dataclass

# How often memory is looked at: more often at first, so that something is seen of what is soon over.
LOOK_SECONDS, FIRST_LOOK_SECONDS = 0.05, 0.005


@dataclass(frozen=True)
class Run:
    seconds: float
    cpu_seconds: float
    peak_bytes: int


class Failed(Exception):
    """A command ended in a way that it must not."""


def run(command, folder, output=os.devnull, good=(0,), at_most_seconds=600):
    """Runs a command (words, or a line of them) in a folder, standard output into a file, messages into `messages`."""
    command = shlex.split(command) if isinstance(command, str) else list(map(str, command))
    messages = pathlib.Path(folder, "messages")
    os.sync()  # what is still on its way to the disk from before is not this command's
    with open(output, "wb") as out, open(messages, "wb") as err:
        start = time.monotonic()
        try:
            process = subprocess.Popen(
                command, cwd=folder, stdin=subprocess.DEVNULL, stdout=out, stderr=err, start_new_session=True
            )
        except OSError as error:
            raise Failed(f"{command[0]} cannot be started: {error.strerror}") from None
        late = threading.Timer(at_most_seconds, os.killpg, (process.pid, signal.SIGKILL))
        late.start()
        watch = Watch(process.pid)
        try:
            _, status, usage = os.wait4(process.pid, 0)
            seconds = time.monotonic() - start
            process.returncode = os.waitstatus_to_exitcode(status)
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            raise
        finally:
            late.cancel()
            watch.stop()
    if process.returncode not in good:
        said = messages.read_text(errors="replace").strip().splitlines()[-5:]
        raise Failed(
            f"{os.path.basename(command[0])} ended with {process.returncode}"
            + "".join(f"\n    {line}" for line in said)
        )
    return Run(seconds, watch.cpu_seconds(usage.ru_utime + usage.ru_stime), watch.peak(usage.ru_maxrss * 1024))


class Watch(threading.Thread):
    """Looks at a command and all that it starts, every now and then."""

    def __init__(self, pid):
        super().__init__(daemon=True)
        self.pid, self.ended = pid, threading.Event()
        self.peak_seen, self.cpu_seen = 0, {}
        self.start()

    def run(self):
        wait = FIRST_LOOK_SECONDS
        while True:
            programs = [self.pid, *descendants(self.pid)]
            together = sum(share_of_memory(pid) for pid in programs) if len(programs) > 1 else 0
            self.peak_seen = max(self.peak_seen, together, *map(peak_of, programs))
            self.cpu_seen.update((pid, cpu_seconds_of(pid)) for pid in programs)
            if self.ended.wait(wait):
                return
            wait = min(1.2 * wait, LOOK_SECONDS)

    def stop(self):
        self.ended.set()
        self.join()

    def peak(self, counted):
        """The largest of what was seen, and of what the kernel has counted of each program to its end."""
        # The kernel begins with what this program had when it started the command.
        ours = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        return max(self.peak_seen, counted if counted > ours else 0)

    def cpu_seconds(self, counted):
        """What the kernel has counted lacks programs for whose end nobody has waited, such as those of a browser."""
        return max(counted, sum(self.cpu_seen.values()))


def descendants(pid):
    try:
        children = [
            int(child)
            for thread in os.listdir(f"/proc/{pid}/task")
            for child in pathlib.Path(f"/proc/{pid}/task/{thread}/children").read_text().split()
        ]
    except OSError:
        return
    for child in children:
        yield child
        yield from descendants(child)


def cpu_seconds_of(pid):
    try:
        # The name of the program, in brackets, may hold anything.
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    except OSError:
        return 0


def share_of_memory(pid):
    """Bytes that a process has now; of pages that several have it counts its share, so that the sum is right."""
    return kibibytes(f"/proc/{pid}/smaps_rollup", "Pss:")


def peak_of(pid):
    return kibibytes(f"/proc/{pid}/status", "VmHWM:")


def kibibytes(path, key):
    try:
        line = next(line for line in pathlib.Path(path).read_text().splitlines() if line.startswith(key))
        return int(line.split()[1]) * 1024
    except (OSError, StopIteration):
        return 0


def size(path):
    """Bytes of a file, or of all files in a folder; 0 if there is none."""
    path = pathlib.Path(path)
    if path.is_dir():
        return sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
    return path.stat().st_size if path.is_file() else 0
