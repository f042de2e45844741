"""Following the ledgers without timed entries: allocations, a few for each day, and quests."""

from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

from exporter.calendar import ONE_DAY
from exporter.database import Transaction
from exporter.ledgers import statements
from exporter.ledgers.changes import Progress
from exporter.ledgers.mapping import Source
from exporter.refresh.follower import Follower, Work

Days = tuple[date, date]
"""A closed range of days."""


class AllocationsFollower(Follower):
    """Reads the timeline's allocations at every refresh, and one older day in turn: the ledger has no cursor."""

    async def look(self, transaction: Transaction, now: datetime) -> Work:
        """Read the days of the timeline and one older day; at first, all."""
        source = await self.source(transaction)
        today = self.tools.calendar.day_of(now)
        progress = _progress(self.identity(source), now, today)
        before = await self.tools.worker.run(self.tools.rollups.progress, self.name)
        untimed: dict[str, int] = dict(await transaction.rows(statements.untimed(source)))
        if before is None or before.identity != progress.identity or before.today > today:
            return self._work([await self._read(transaction, source, (statements.EARLIEST, today))], untimed, progress)
        timeline = today - timedelta(days=self.tools.config.report.timeline_days - 1)
        recent = (min(timeline, before.today), today)
        older, audit_from = await self._older(before.audit_from, recent[0])
        files = [await self._read(transaction, source, days) for days in (recent, older)]
        return self._work(files, untimed, _progress(self.identity(source), now, today, audit_from))

    async def _older(self, audit_from: datetime | None, limit: date) -> tuple[Days, datetime | None]:
        """The next older day that has allocations, with those after it that have none; the newest come first."""
        end = min(audit_from.date(), limit) if audit_from else limit
        day = await self.tools.worker.run(self.tools.rollups.allocated_before, end)
        days = (day or statements.EARLIEST, end - ONE_DAY)
        return days, datetime.combine(day, time.min, UTC) if day else None

    async def _read(self, transaction: Transaction, source: Source, days: Days) -> tuple[Days, Path]:
        file = self.tools.directory / f"{self.name}-{days[0]}.csv"
        rows = await transaction.copy(statements.allocations(source), file, start=days[0], end=days[1])
        self.count(rows)
        return days, file

    def _work(self, files: list[tuple[Days, Path]], untimed: dict[str, int], progress: Progress) -> Work:
        """The second of the files, if there is one, is an audit."""

        async def apply() -> None:
            for audit, (days, file) in enumerate(files):
                differs = await self.tools.worker.run(self.tools.rollups.replace_allocations, file, *days, untimed, progress)
                self.tools.telemetry.audited_buckets.labels(self.name).inc(audit)
                self.tools.telemetry.audit_repairs.labels(self.name).inc(audit and differs)
                file.unlink()

        return apply


class QuestsFollower(Follower):
    """Reads all names and layers at every refresh."""

    async def look(self, transaction: Transaction, now: datetime) -> Work:
        """Read the whole ledger."""
        source = await self.source(transaction)
        file = self.tools.directory / f"{self.name}.csv"
        self.count(await transaction.copy(statements.quests(source), file))
        progress = _progress(self.identity(source), now, self.tools.calendar.day_of(now))

        async def apply() -> None:
            await self.tools.worker.run(self.tools.rollups.replace_quests, file, progress)
            file.unlink()

        return apply


def _progress(identity: str, now: datetime, today: date, audit_from: datetime | None = None) -> Progress:
    return Progress(identity, now, today, settled_before=today, positions={}, audit_from=audit_from)
