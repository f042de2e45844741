"""The sync engine over a simulated ledger and real rollups. A crash is an exception; the next engine opens the same file."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ParamSpec, TypeVar, cast

from exporter.calendar import Calendar
from exporter.config import Config, Ledger, parse
from exporter.rollups import Rollups
from exporter.rollups.file import scratch_directory
from exporter.rollups.months import reopened
from exporter.sources.database import Database
from exporter.sources.mapping import Source
from exporter.sources.transaction import Transaction
from exporter.sync import progress as progresses
from exporter.sync.context import SyncContext
from exporter.sync.database import DatabaseSync
from exporter.sync.entries import EntrySync
from exporter.sync.progress import Progress
from exporter.sync.worker import Worker
from exporter.telemetry import Telemetry
from tests.sync import simulated
from tests.sync.simulated_reader import Limits, SimulatedReader

P = ParamSpec("P")
T = TypeVar("T")


class CrashError(Exception):
    """The process ends here."""


@dataclass
class SimulatedTransaction:
    """One snapshot of the ledger."""

    reader: SimulatedReader
    broken: bool = False

    @asynccontextmanager
    async def attempt(self) -> AsyncIterator[None]:
        """A part that may fail."""
        yield


@dataclass
class SimulatedDatabase:
    """What the engine takes for a database. ``between`` is called before each snapshot."""

    ledger: simulated.Ledger
    limits: Limits
    name: str = "main"
    between: Callable[[], None] = lambda: None

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[SimulatedTransaction]:
        """A snapshot that does not change while it is read."""
        self.between()
        yield SimulatedTransaction(SimulatedReader(self.ledger.snapshot(), self.limits))


class SimulatedSync(EntrySync):
    """Follows a ledger that has no table."""

    async def source(self, transaction: Transaction) -> Source:  # noqa: ARG002
        return cast("Source", SimpleNamespace())

    def identity(self, source: Source) -> str:  # noqa: ARG002
        return "simulated"

    async def hold(self, transaction: Transaction) -> None:
        pass


class InlineWorker(Worker):
    """Does every job at once; ``before`` may raise instead."""

    def __init__(self, before: Callable[[str], None]) -> None:
        super().__init__()
        self._before = before

    async def run(self, job: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        self._before(getattr(job, "__name__", "job"))
        return job(*args, **kwargs)


@dataclass
class Engine:
    """Follows a ledger, poll by poll."""

    ledger: simulated.Ledger
    directory: Path
    compacting: bool = False
    """Whether tasks of past months are compacted after each poll."""
    limits: Limits = field(default_factory=Limits)
    crash_in: int | None = None
    """After how many calls of the reader or the rollups the process crashes."""

    def __post_init__(self) -> None:
        self.limits.before = self._call
        self.config = _config(self.ledger.name, self.directory / "rollups.duckdb", compacting=self.compacting)
        self.start()

    def start(self) -> None:
        """Open the rollups, with an engine that knows nothing else."""
        path = self.config.state.path
        self.rollups = Rollups(path, self.config)
        self.database = SimulatedDatabase(self.ledger, self.limits)
        context = SyncContext(
            self.config,
            cast("Database", self.database),
            self.rollups,
            InlineWorker(self._call),
            Telemetry("", ""),
            scratch_directory(path),
        )
        self._sync = DatabaseSync(context)
        self._sync.ledgers = [SimulatedSync(self._entries, context, _reader)]

    def restart(self) -> None:
        """End the process and start it again."""
        self.rollups.close()
        self.start()

    async def poll(self) -> str | None:
        """One poll; returns why it failed. After a crash the process is started again."""
        try:
            await self._sync.sync(self.ledger.now)
            while self.compacting and self.rollups.compact(self.ledger.now.date()):
                self._call("compact")
        except CrashError as error:
            self.crash_in = None
            self.restart()
            return repr(error)
        return self._sync.last_error(self.ledger.name)

    @property
    def progress(self) -> Progress | None:
        """How far the ledger has been followed."""
        return progresses.of(self.rollups, self.ledger.name)

    @property
    def reopened(self) -> bool:
        """Whether compacted tasks are to be derived again."""
        return bool(reopened(self.rollups.months))

    @property
    def _entries(self) -> Ledger:
        return self.config.ledgers[self.ledger.name]

    def _call(self, name: str) -> None:
        if self.crash_in is not None:
            self.crash_in -= 1
            if self.crash_in < 0:
                raise CrashError(name)


def _reader(transaction: Transaction, _source: Source, _calendar: Calendar) -> SimulatedReader:
    return cast("SimulatedTransaction", transaction).reader


def _config(ledger: str, path: Path, *, compacting: bool) -> Config:
    document: dict[str, Any] = {
        "databases": {"main": {"dsn": "host=nowhere"}},
        "ledgers": {ledger: {"database": "main"}},
        "state": {"path": str(path), "tasks_for": "1d" if compacting else "36500d"},
        "report": {"windows": ["1d", "lifetime"], "top": 1, "quest_top": 0},
    }
    return parse(json.dumps(document), Path("config.yml"))
