"""Reading all ledgers of one database in one transaction, and bringing the rollups in step with them."""

from collections.abc import Mapping
from datetime import datetime

import duckdb
import structlog

from exporter.errors import first_line
from exporter.rollups import RollupFileError
from exporter.sources.errors import READ_ERRORS
from exporter.sources.transaction import Transaction
from exporter.sync.context import SyncContext
from exporter.sync.entries import EntrySync
from exporter.sync.ledger import LedgerSync, Work
from exporter.sync.small_ledgers import AllocationsSync, WholeSync

log = structlog.get_logger()

SYNCS: Mapping[str, type[LedgerSync]] = {
    "allocations": AllocationsSync,
    "budgets": WholeSync,
    "costs": EntrySync,
    "impacts": EntrySync,
    "quests": WholeSync,
}
FAILURES = (*READ_ERRORS, duckdb.Error, RollupFileError, OSError)
"""READ_ERRORS are about the ledgers. The last three are about the rollup file, for example on a full disk."""


class DatabaseSync:
    """The ledgers of one database. A ledger that fails does not keep the others from being read."""

    def __init__(self, context: SyncContext) -> None:
        self._context = context
        self.name = context.database.name
        self.ledgers = [
            SYNCS[name](ledger, context)
            for name, ledger in context.config.ledgers.items()
            if ledger.database == context.database.name
        ]
        self.up: dict[str, bool] = {}
        """Whether the last attempt to read each ledger succeeded, of those that were tried."""
        self._last_errors: dict[str, str] = {}

    def last_error(self, name: str) -> str | None:
        """Why the last attempt to read a ledger failed; None when it did not."""
        return self._last_errors.get(name)

    async def sync(self, now: datetime) -> None:
        """Bring the rollups in step with every ledger: first what one snapshot shows, then what takes longer."""
        works: dict[str, Work] = {}
        try:
            self._clean_staging()
            async with self._context.database.transaction() as transaction:
                for ledger_sync in self.ledgers:
                    if work := await self._poll(transaction, ledger_sync, now):
                        works[ledger_sync.name] = work
        except FAILURES as error:
            self._context.advances.clear()
            for ledger_sync in self.ledgers:
                self._failed(ledger_sync.name, error)
            return
        await self._advance()
        for name, work in works.items():
            try:
                await work()
            except FAILURES as error:
                self._failed(name, error)
            else:
                if name not in self._context.advances:
                    self._succeeded(name)
                await self._advance()

    async def _poll(self, transaction: Transaction, ledger_sync: LedgerSync, now: datetime) -> Work | None:
        try:
            async with transaction.attempt():
                return await ledger_sync.poll(transaction, now)
        except FAILURES as error:
            if transaction.broken or isinstance(error, TimeoutError):
                raise
            self._failed(ledger_sync.name, error)
        return None

    async def _advance(self) -> None:
        """Note how far the ledgers that are in step have been followed."""
        advances = dict(self._context.advances)
        self._context.advances.clear()
        if not advances:
            return
        try:
            await self._context.worker.run(self._context.rollups.advance, advances)
        except FAILURES as error:
            for name in advances:
                self._failed(name, error)
        else:
            for name in advances:
                self._succeeded(name)

    def _clean_staging(self) -> None:
        """Remove what a refresh that failed has read and not used; make the place again if somebody removed it."""
        self._context.directory.mkdir(0o700, exist_ok=True)
        for ledger_sync in self.ledgers:
            for file in self._context.directory.glob(f"{ledger_sync.name}*.csv"):
                file.unlink()

    def _succeeded(self, name: str) -> None:
        if name in self._last_errors:
            log.info("ledger is readable again", ledger=name)
        self.up[name] = True
        self._last_errors.pop(name, None)

    def _failed(self, name: str, error: Exception) -> None:
        """Say it once, and again when the reason changes."""
        self.up[name] = False
        self._context.rollups.mark_suspect(error)
        reason = first_line(error)
        if self._last_errors.get(name) != reason:
            log.warning("ledger cannot be read", ledger=name, database=self._context.database.name, error=reason)
        self._last_errors[name] = reason
