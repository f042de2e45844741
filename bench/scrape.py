"""Scrapes under load, by wrk."""

import re
import shutil
import subprocess
from dataclasses import dataclass
from typing import Final

from bench.processes import BenchError, ProgramError

CONNECTIONS: Final = (1, 16)
ENCODINGS: Final = ("plain", "gzip")
_UNITS: Final = {"us": 0.001, "ms": 1.0, "s": 1000.0, "m": 60000.0}
_LATENCY: Final = re.compile(r"^\s+(50|99)%\s+([\d.]+)(us|ms|s|m) *$", re.MULTILINE)
_THROUGHPUT: Final = re.compile(r"^Requests/sec:\s+([\d.]+)$", re.MULTILINE)
_FAULTS: Final = re.compile(r"^\s+(Non-2xx or 3xx responses.*|Socket errors:.*)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Load:
    """What wrk found: milliseconds that half, and 99 of 100, of the scrapes took at most, and scrapes per second."""

    p50_ms: float
    p99_ms: float
    per_second: float


def scrape(url: str, encoding: str, connections: int, seconds: int) -> Load:
    """Scrape as fast as the connections allow; longer, if no scrape ended within the seconds.

    Raises:
        BenchError: wrk is not installed.
        ProgramError: scrapes failed, or none ended.
    """
    wrk = shutil.which("wrk")
    if wrk is None:
        raise BenchError("the bench needs wrk: apt-get install --no-install-recommends wrk")
    header = ["--header", "Accept-Encoding: gzip"] if encoding == "gzip" else []
    for duration in (seconds, 5 * seconds):
        command = [wrk, "--threads=1", f"--connections={connections}", f"--duration={duration}s", "--timeout=60s", "--latency"]
        said = subprocess.run([*command, *header, url], capture_output=True, text=True, check=True).stdout  # noqa: S603 - our own
        if faults := _FAULTS.search(said):
            raise ProgramError(f"scrapes of {url} failed: {faults[1]}")
        if load := read(said):
            return load
    raise ProgramError(f"no scrape of {url} ended within {duration} s")


def read(said: str) -> Load | None:
    """The figures that wrk printed; None if no scrape ended."""
    latency = {part: float(number) * _UNITS[unit] for part, number, unit in _LATENCY.findall(said)}
    throughput = _THROUGHPUT.search(said)
    per_second = float(throughput[1]) if throughput else 0.0
    return Load(latency["50"], latency["99"], per_second) if per_second else None
