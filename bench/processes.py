"""Programs that are measured: started, asked over HTTP, and stopped; their output goes into a file."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.error import URLError
from urllib.request import urlopen

NOTHING: Final[Mapping[str, str]] = {}


class BenchError(Exception):
    """The bench cannot run; the message is one line and says how to mend it."""


class ProgramError(BenchError):
    """A measured program ended, or does not do in time what it should."""


@dataclass
class Program:
    """A running program that serves HTTP. ``began`` is when it was started, by the monotonic clock."""

    process: subprocess.Popen[bytes]
    url: str
    log: Path
    began: float

    def page(self, path: str = "") -> str | None:
        """The body of a page, None while the program does not answer, or not with 200."""
        try:
            with urlopen(self.url + path, timeout=600) as reply:  # noqa: S310 - always http
                body: bytes = reply.read()
        except (URLError, ConnectionError):
            return None
        return body.decode()

    def until(self, holds: Callable[[], bool], patience: float, pause: float = 0.05) -> float:
        """Wait until the condition holds; returns the seconds since the program was started.

        Raises:
            ProgramError: the program ended, or the condition does not hold after ``patience`` seconds.
        """
        deadline = time.monotonic() + patience
        while not holds():
            if self.process.poll() is not None or time.monotonic() > deadline:
                said = self.log.read_text(errors="replace").splitlines() or ["nothing"]
                raise ProgramError(f"{self.log.stem} ended or is late; it said last: {said[-1]}")
            time.sleep(pause)
        return time.monotonic() - self.began

    def memory(self) -> tuple[float, float]:
        """Resident memory in MB: now, and at most so far."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        fields = dict(line.split(":", 1) for line in status.splitlines())
        now, most = (int(fields[name].split()[0]) / 1024 for name in ("VmRSS", "VmHWM"))
        return now, most

    def descriptors(self) -> int:
        """Open files and connections."""
        return len(list(Path(f"/proc/{self.process.pid}/fd").iterdir()))


@contextmanager
def started(command: Sequence[str | Path], url: str, log: Path, environment: Mapping[str, str] = NOTHING) -> Iterator[Program]:
    """A program as long as the context lives; it is asked to end with SIGTERM."""
    with log.open("wb") as stream:
        began = time.monotonic()
        process = subprocess.Popen(  # noqa: S603 - our own arguments
            command, stdin=subprocess.DEVNULL, stdout=stream, stderr=stream, env={**os.environ, **environment}
        )
    try:
        yield Program(process, url, log, began)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def free_port() -> int:
    """A TCP port that nobody uses at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
