"""The refresh of one database: ledgers -> rollups -> report -> snapshot."""

import asyncio
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, TypeVar

import duckdb
import structlog

from exporter.config import Config
from exporter.errors import first_line
from exporter.exposition.bodies import Publisher
from exporter.report.reporter import Report
from exporter.rollups import RollupFileError, Rollups
from exporter.sections import SECTIONS
from exporter.sync.compaction import Compaction
from exporter.sync.database import DatabaseSync
from exporter.sync.publication import Clock, Publication
from exporter.sync.worker import Worker
from exporter.telemetry import Telemetry

log = structlog.get_logger()
T = TypeVar("T")
LATE = 3
"""After how many intervals without a snapshot one is made of what there is."""


class SectionError(Exception):
    """Sections of the report fail with a configuration with which they are to work; the message is one line for the user."""


@dataclass(eq=False)
class Refresher:
    """Refreshes from each database on its own, so that one that hangs does not age the others, and publishes after each."""

    config: Config
    database_syncs: list[DatabaseSync]
    rollups: Rollups
    worker: Worker
    publisher: Publisher
    telemetry: Telemetry
    clock: Clock
    _running: set[asyncio.Task[object]] = field(init=False, default_factory=set)
    last_error: str | None = field(init=False, default=None)
    """Why the rollups cannot be used; None while they can."""

    def __post_init__(self) -> None:
        self._publication = Publication(
            self.config, self.database_syncs, self.rollups, self.publisher, self.telemetry, self.clock
        )
        self._compaction = Compaction(self.config, self.rollups, self.worker, self.clock)

    @property
    def working(self) -> frozenset[str]:
        """The sections that did not fail in the last report."""
        return self._publication.working

    async def refresh(self, database_sync: DatabaseSync) -> None:
        """Read what is new in one database and publish a snapshot. Whatever goes wrong is logged and counted."""
        await self._run(self._refresh(database_sync))

    async def drain(self, patience: timedelta) -> None:
        """Wait for the refreshes under way, and cancel those that take longer."""
        if self._running:
            _, late = await asyncio.wait(self._running, timeout=patience.total_seconds())
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    async def require(self, working: frozenset[str]) -> None:
        """Compute a report of what the rollups hold, for nobody to see.

        Raises:
            SectionError: a section fails that is to work.
        """
        try:
            errors = (await self.worker.run(self._publication.trial)).errors
        except duckdb.Error as error:
            errors = dict.fromkeys(SECTIONS, first_line(error))
        if failing := sorted(errors.keys() & working):
            raise SectionError(f"{', '.join(failing)} cannot be computed: {errors[failing[0]]}; fix: take the change back")

    async def publish_rollups(self) -> None:
        """Publish what the rollup file holds from before, so that a restart serves numbers at once."""
        await self._try(self._publication.publish_known)

    async def publish_if_late(self) -> None:
        """Publish when no refresh has done so for long, so that old numbers are withdrawn whatever the refreshes hang on."""
        before = self._publication.published_at
        if before and abs(self.clock() - before) > LATE * self.config.refresh.interval:
            await self._run(self.publish())

    async def _run(self, work: Coroutine[Any, Any, object]) -> None:
        """Do the work in a task of its own, which the scheduler cannot cancel."""
        task = asyncio.create_task(work)
        self._running.add(task)
        await asyncio.wait({task})
        self._running.discard(task)
        if not task.cancelled() and (error := task.exception()):
            log.error("refresh failed", exc_info=error)
            self.telemetry.refreshes.labels("failure").inc()

    async def _refresh(self, database_sync: DatabaseSync) -> None:
        start = time.perf_counter()
        if await self._try(self.rollups.reopen_if_needed) is None:
            self.telemetry.refreshes.labels("failure").inc()
            return
        await self._sync(database_sync)
        report = await self.publish()
        seconds, outcome = time.perf_counter() - start, self._outcome(database_sync, report)
        self.telemetry.refresh_duration.labels("total").observe(seconds)
        self.telemetry.refreshes.labels(outcome).inc()
        log.debug("refreshed", database=database_sync.name, outcome=outcome, seconds=round(seconds, 3))
        self.publisher.republish()
        await self._compaction.run()

    async def _sync(self, database_sync: DatabaseSync) -> None:
        """Bring the rollups in step with a database. What the rollups take is told apart from reading."""
        start, before = time.perf_counter(), self.worker.seconds
        await database_sync.sync(self.clock())
        applied = self.worker.seconds - before
        self.telemetry.refresh_duration.labels("apply").observe(applied)
        self.telemetry.refresh_duration.labels("read").observe(max(time.perf_counter() - start - applied, 0))

    async def publish(self) -> Report | None:
        """Make a report of the rollups as they are, and publish it; None when they cannot be used, which is logged once."""
        report = await self._try(self._publication.publish)
        if report:
            self.last_error = None
        return report

    async def _try(self, job: Callable[[], T]) -> T | None:
        """Do something with the rollups. Where it fails, no section can be computed."""
        try:
            return await self.worker.run(job)
        except (RollupFileError, duckdb.Error) as error:
            self.rollups.mark_suspect(error)
            if self.last_error != first_line(error):
                log.warning("rollups cannot be used", error=first_line(error))
            self.last_error = first_line(error)
        return await self.worker.run(self._publication.fail)

    def _outcome(self, database_sync: DatabaseSync, report: Report | None) -> str:
        if report is None:
            return "failure"
        if all(database_sync.up.values()) and not report.errors:
            return "success"
        return "partial" if any(database_sync.up.values()) else "failure"
