"""Following one ledger: what every kind of ledger has in common."""

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from datetime import datetime

from exporter.config import Ledger
from exporter.sources import catalog
from exporter.sources.catalog import inspect
from exporter.sources.filters import require_filter
from exporter.sources.mapping import Source
from exporter.sources.transaction import Transaction
from exporter.sources.verify import require
from exporter.sync.context import SyncContext

Work = Callable[[], Awaitable[None]]
"""What is left to do when the transaction in which a ledger was polled has ended."""


class LedgerSync(ABC):
    """Keeps the rollups of one ledger in step with it."""

    def __init__(self, ledger: Ledger, context: SyncContext) -> None:
        self.ledger = ledger
        self.name = ledger.name
        self.context = context
        self._source: Source | None = None
        self._untimed: dict[str, int] | None = None
        """As the rollups have it, since it was noted."""

    @abstractmethod
    async def poll(self, transaction: Transaction, now: datetime) -> Work | None:
        """Bring what is new into the rollups. Returns what is left to do, which takes transactions of its own.

        Raises:
            LedgerError: the table cannot serve as this ledger.
            SourceError, TimeoutError: reading it failed.
            duckdb.Error, RollupFileError, OSError: the rollups cannot take it.
        """

    async def source(self, transaction: Transaction) -> Source:
        """The ledger and its table as it is now, which is not rewritten until the transaction ends."""
        table = await inspect(transaction, self.ledger)
        require(self.ledger, table)
        if self._source is None or self._source.table != table:
            source = Source(self.ledger, table)
            await require_filter(transaction, source)
            self._source = source
        if self.ledger.query is None:  # to plan a query takes the locks
            await catalog.hold(transaction, self.ledger)
        await transaction.mark()
        return self._source

    async def hold(self, transaction: Transaction) -> None:
        """Keep the table from being rewritten until the transaction ends, whatever statement of it fails."""
        await catalog.hold(transaction, self.ledger)
        await transaction.mark()

    async def note_untimed(self, untimed: dict[str, int]) -> None:
        """Note how many rows no day can hold, by reason, if that has changed."""
        if untimed != self._untimed:
            await self.context.worker.run(self.context.rollups.untimed, self.name, untimed)
            self._untimed = untimed

    def identity(self, source: Source) -> str:
        """A digest of all that the rollups of the ledger depend on: they are built again when it changes."""
        types = {column: source.type(column) for column in self.ledger.columns}
        parts = (source.table.identity, self.ledger, types, self.context.config.timezone.key)
        return hashlib.sha256(repr(parts).encode()).hexdigest()
