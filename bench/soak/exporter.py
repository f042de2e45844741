"""The exporter, as a process that can be killed and started again over the same files."""

import json
import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final

from bench import ours
from bench.processes import Program, free_port

PATIENCE: Final = 120.0
KEYS: Final[dict[str, Any]] = {
    "refresh": {"interval": "1s", "settle": "30s", "statement_timeout": "2s", "stale_after": "15s"},
    "waste": {"min_tokens": 1000},
}
"""Beside what ``bench`` sets: so short that a fault of some seconds is one in which statements end and numbers get too old."""


class Exporter:
    """Always on the same port. ``program`` is its last start, and ``life`` the number of it; None when it need not answer."""

    program: Program
    life: int | None = None

    def __init__(self, config: Path, conninfo: str) -> None:
        self.config = config
        self.peak_mb = 0.0
        """The most memory that any of its lives had resident."""
        self._conninfo = conninfo
        self._starts = 0
        self._port = free_port()
        self._running = ExitStack()

    def rollups(self) -> list[Path]:
        """The rollup file, and the log of what is not in it yet."""
        file = self.config.with_suffix(".duckdb")
        return [path for path in (file, file.with_suffix(".duckdb.wal")) if path.exists()]

    def configure(self, **keys: Any) -> None:
        """Write its configuration; keys stand in the place of the usual ones."""
        ours.configure(self.config, self._conninfo, **KEYS | keys)

    def start(self) -> None:
        """Start it, and wait until it answers."""
        self._starts += 1
        log = self.config.with_name(f"exporter-{self._starts}.log")
        self.program = self._running.enter_context(ours.exporting(self.config, self._port, log))
        self.program.until(lambda: self.program.page() is not None, PATIENCE)
        self.life = self._starts

    def end(self, how: signal.Signals) -> None:
        """Send the signal, and wait for its end."""
        self._note_memory()
        self.life = None
        self.program.process.send_signal(how)
        self._running.close()

    def hang_up(self) -> None:
        """SIGHUP."""
        self.program.process.send_signal(signal.SIGHUP)

    def close(self) -> None:
        """End it, if it runs."""
        self.life = None
        self._running.close()

    def held(self) -> tuple[float, int]:
        """Resident memory in MB, and open files and connections."""
        self._note_memory()
        return self.program.memory()[0], self.program.descriptors()

    def tracebacks(self) -> list[str]:
        """What the logs of all its lives tell of errors that nobody foresaw.

        Where damage to the rollups comes to light, a section may fail.
        """
        logs = (self.config.with_name(f"exporter-{start}.log") for start in range(1, self._starts + 1))
        return [found for log in logs for line in log.read_text(errors="replace").splitlines() if (found := traceback(line))]

    def _note_memory(self) -> None:
        if self.program.process.poll() is None:
            self.peak_mb = max(self.peak_mb, self.program.memory()[1])


def traceback(line: str) -> str | None:
    """The event of a line of the log and the last line of its traceback; the line itself if it is no event."""
    if not line.startswith("{"):
        return line
    event = json.loads(line)
    if "exception" not in event or event["msg"] == "section failed":
        return None
    return f"{event['msg']}: {event['exception'].splitlines()[-1]}"


@contextmanager
def exporting(config: Path, conninfo: str) -> Iterator[Exporter]:
    """An exporter that runs as long as the context lives, or is meant to."""
    exporter = Exporter(config, conninfo)
    exporter.configure()
    try:
        exporter.start()
        yield exporter
    finally:
        exporter.close()
