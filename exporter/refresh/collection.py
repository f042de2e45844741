"""Reading all ledgers of one database in one transaction, and bringing the rollups in step with them."""

from collections.abc import Mapping
from datetime import datetime

import duckdb
import psycopg
import structlog

from exporter.database import Transaction, UnreachableError, first_line
from exporter.ledgers.findings import LedgerError
from exporter.refresh.entries import EntryFollower
from exporter.refresh.follower import Follower, Tools, Work
from exporter.refresh.tables import AllocationsFollower, QuestsFollower
from exporter.rollups import RollupFileError

log = structlog.get_logger()

FOLLOWERS: Mapping[str, type[Follower]] = {
    "allocations": AllocationsFollower,
    "costs": EntryFollower,
    "impacts": EntryFollower,
    "quests": QuestsFollower,
}
FAILURES = (UnreachableError, LedgerError, psycopg.Error, TimeoutError, duckdb.Error, RollupFileError, OSError)
"""The last three stand for a disk that is full, or otherwise not there for the rollups."""


class Collection:
    """The ledgers of one database. A ledger that fails does not keep the others from being read."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        self.name = tools.database.name
        self.followers = [
            FOLLOWERS[name](ledger, tools)
            for name, ledger in tools.config.ledgers.items()
            if ledger.database == tools.database.name
        ]
        self.up: dict[str, bool] = {}
        """Whether the last attempt to read each ledger succeeded, of those that were tried."""
        self._complaints: dict[str, str] = {}

    def complaint(self, name: str) -> str | None:
        """Why the last attempt to read a ledger failed; None when it did not."""
        return self._complaints.get(name)

    async def read(self, now: datetime) -> dict[str, Work]:
        """Look at every ledger; returns the work that is left for each that could be read."""
        works: dict[str, Work] = {}
        try:
            self._tidy()
            async with self._tools.database.transaction() as transaction:
                for follower in self.followers:
                    if work := await self._look(transaction, follower, now):
                        works[follower.name] = work
        except FAILURES as error:
            for follower in self.followers:
                self._failed(follower.name, error)
            return {}
        return works

    async def apply(self, works: Mapping[str, Work]) -> None:
        """Do the work that is left, ledger by ledger."""
        for name, work in works.items():
            try:
                await work()
            except FAILURES as error:
                self._failed(name, error)
            else:
                self._succeeded(name)

    async def _look(self, transaction: Transaction, follower: Follower, now: datetime) -> Work | None:
        try:
            async with transaction.savepoint():
                return await follower.look(transaction, now)
        except (LedgerError, psycopg.Error) as error:
            if transaction.broken:
                raise
            self._failed(follower.name, error)
        return None

    def _tidy(self) -> None:
        """Remove what a refresh that failed has read and not used; make the place again if somebody removed it."""
        self._tools.directory.mkdir(0o700, exist_ok=True)
        for follower in self.followers:
            for file in self._tools.directory.glob(f"{follower.name}*.csv"):
                file.unlink()

    def _succeeded(self, name: str) -> None:
        if name in self._complaints:
            log.info("ledger is readable again", ledger=name)
        self.up[name] = True
        self._complaints.pop(name, None)

    def _failed(self, name: str, error: Exception) -> None:
        """Say it once, and again when the reason changes."""
        self.up[name] = False
        self._tools.rollups.doubt(error)
        reason = first_line(error)
        if self._complaints.get(name) != reason:
            log.warning("ledger cannot be read", ledger=name, database=self._tools.database.name, error=reason)
        self._complaints[name] = reason
