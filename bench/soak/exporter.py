"""The exporter as a process that can be killed and restarted with the same files."""

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
"""Keys besides those of ``bench``. Times are short, so that statements time out and data become stale within a fault."""


class Exporter:
    """An exporter that always uses the same port.

    ``program`` is its current or last process. ``life`` is the number of that process; None while it need not answer.
    """

    program: Program
    life: int | None = None

    def __init__(self, config: Path, conninfo: str) -> None:
        self.config = config
        self.peak_mb = 0.0
        """The peak resident memory of all its processes, in MB."""
        self._conninfo = conninfo
        self._starts = 0
        self._port = free_port()
        self._running = ExitStack()

    def rollups(self) -> list[Path]:
        """The rollup file and its write-ahead log, if they exist."""
        file = self.config.with_suffix(".duckdb")
        return [path for path in (file, file.with_suffix(".duckdb.wal")) if path.exists()]

    def configure(self, **keys: Any) -> None:
        """Write its configuration; ``keys`` replace the default ones."""
        ours.configure(self.config, self._conninfo, **KEYS | keys)

    def start(self) -> None:
        """Start it and wait until it answers."""
        self._starts += 1
        log = self.config.with_name(f"exporter-{self._starts}.log")
        self.program = self._running.enter_context(ours.exporting(self.config, self._port, log))
        self.program.until(lambda: self.program.page() is not None, PATIENCE)
        self.life = self._starts

    def end(self, how: signal.Signals) -> None:
        """Send the signal and wait until it exits."""
        self._note_memory()
        self.life = None
        self.program.process.send_signal(how)
        self._running.close()

    def hang_up(self) -> None:
        """Send SIGHUP."""
        self.program.process.send_signal(signal.SIGHUP)

    def close(self) -> None:
        """Stop it if it is running."""
        self.life = None
        self._running.close()

    def held(self) -> tuple[float, int]:
        """Resident memory in MB, and the number of open files and connections."""
        self._note_memory()
        return self.program.memory()[0], self.program.descriptors()

    def tracebacks(self) -> list[str]:
        """The unexpected errors in the logs of all its processes.

        A failed section is expected: it may read a damaged part of the rollup file.
        """
        logs = (self.config.with_name(f"exporter-{start}.log") for start in range(1, self._starts + 1))
        return [found for log in logs for line in log.read_text(errors="replace").splitlines() if (found := traceback(line))]

    def _note_memory(self) -> None:
        if self.program.process.poll() is None:
            self.peak_mb = max(self.peak_mb, self.program.memory()[1])


def traceback(line: str) -> str | None:
    """The event of a log line and the last line of its traceback, or None without one. A line that is not JSON is returned."""
    if not line.startswith("{"):
        return line
    event = json.loads(line)
    if "exception" not in event or event["msg"] == "section failed":
        return None
    return f"{event['msg']}: {event['exception'].splitlines()[-1]}"


@contextmanager
def exporting(config: Path, conninfo: str) -> Iterator[Exporter]:
    """Start an exporter for the duration of the context. Faults may stop and restart it."""
    exporter = Exporter(config, conninfo)
    exporter.configure()
    try:
        exporter.start()
        yield exporter
    finally:
        exporter.close()
