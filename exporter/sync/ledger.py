"""Following one ledger: what every kind of ledger has in common."""

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from exporter.calendar import Calendar
from exporter.config import Config, Ledger
from exporter.rollups import Rollups
from exporter.sources.catalog import Table, hold, inspect
from exporter.sources.database import Database, Transaction
from exporter.sources.filters import require_filter
from exporter.sources.mapping import Source
from exporter.sources.verify import require
from exporter.sync.worker import Worker
from exporter.telemetry import Telemetry

Work = Callable[[], Awaitable[None]]
"""What is left to do when the transaction in which a ledger was looked at has ended."""


@dataclass(frozen=True)
class SyncContext:
    """What a ledger is synced with. ``directory`` is where the rows that were read lie until they are in the rollups."""

    config: Config
    database: Database
    rollups: Rollups
    worker: Worker
    telemetry: Telemetry
    directory: Path

    @property
    def calendar(self) -> Calendar:
        """The budget days."""
        return Calendar(self.config.timezone)


class LedgerSync(ABC):
    """Keeps the rollups of one ledger in step with it."""

    def __init__(self, ledger: Ledger, context: SyncContext) -> None:
        self.ledger = ledger
        self.name = ledger.name
        self.context = context
        self._planned: Table | None = None

    @abstractmethod
    async def poll(self, transaction: Transaction, now: datetime) -> Work:
        """Read what is new. Returns the work of putting it into the rollups.

        Raises:
            LedgerError: the table cannot serve as this ledger.
            psycopg.Error, TimeoutError: reading it failed.
        """

    async def source(self, transaction: Transaction) -> Source:
        """The ledger and its table as it is now."""
        table = await inspect(transaction, self.ledger)
        require(self.ledger, table)
        source = Source(self.ledger, table)
        if self._planned != table:
            await require_filter(transaction, source)
            self._planned = table
        await hold(transaction, self.ledger)
        return source

    def identity(self, source: Source) -> str:
        """A digest of all that the rollups of the ledger depend on: they are built again when it changes."""
        types = {column: source.type(column) for column in self.ledger.columns}
        parts = (source.table.identity, self.ledger, types, self.context.config.timezone.key)
        return hashlib.sha256(repr(parts).encode()).hexdigest()

    def discard(self, files: Iterable[Path]) -> None:
        """Remove files whose rows are in the rollups."""
        for file in files:
            file.unlink()

    def count(self, rows: int) -> None:
        """Count rows that PostgreSQL sent."""
        self.context.telemetry.ledger_rows_read.labels(self.name).inc(rows)
