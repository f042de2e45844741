"""Publishing what the rollups hold: rollups -> report -> snapshot. All of it is done in the worker's thread."""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime

from exporter.config import Config
from exporter.exposition.bodies import Publisher
from exporter.report.reporter import Reading, Report, Reporter
from exporter.rollups import Rollups
from exporter.sections import SECTIONS
from exporter.snapshot import LedgerStatus, Snapshot
from exporter.sync import own_metrics
from exporter.sync import progress as progresses
from exporter.sync.database import DatabaseSync
from exporter.telemetry import Telemetry

Clock = Callable[[], datetime]
UNUSABLE = "The rollups cannot be used; the log says why."


@dataclass(eq=False)
class Publication:
    """Makes a report of the rollups as they are, and a snapshot of it with the state of each ledger."""

    config: Config
    database_syncs: list[DatabaseSync]
    rollups: Rollups
    publisher: Publisher
    telemetry: Telemetry
    clock: Clock
    working: frozenset[str] = field(init=False, default=frozenset())
    """The sections that did not fail in the last report."""
    published_at: datetime | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        self._reporter = Reporter(self.rollups, self.config)

    def publish(self) -> Report:
        """Make a report and publish it.

        Raises:
            RollupFileError, duckdb.Error: the rollups cannot be used.
        """
        self.rollups.reopen_if_needed()
        now = self.clock()
        statuses = self._statuses(now)
        with self._stage("sections"):
            report = self._report(now, statuses)
        self.working = frozenset(report.outcomes.keys() - report.errors.keys())
        rejected = self.rollups.rejected()
        own_metrics.update(self.telemetry, report, statuses, rejected)
        self.published_at = now
        with self._stage("render"):
            self.publisher.publish(self._snapshot(now, report, statuses, rejected))
        return report

    def publish_known(self) -> None:
        """Publish if a ledger was read before; raises as ``publish`` does."""
        if any(status.last_success for status in self._statuses(self.clock())):
            self.publish()

    def trial(self) -> Report:
        """Make a report for nobody to see; raises duckdb.Error."""
        now = self.clock()
        return self._report(now, self._statuses(now))

    def fail(self) -> None:
        """Say that no section can be computed, and take numbers away that are too old."""
        self.working = frozenset()
        for name in SECTIONS:
            self.telemetry.collector_success.labels(name).set(False)
        before = self.publisher.snapshot
        if before and before.families and abs(self.clock() - before.as_of) > self.config.refresh.stale_after:
            absent = {metric.name: UNUSABLE for section in SECTIONS.values() for metric in section.METRICS}
            self.publisher.publish(replace(before, families=(), absent=absent))

    def _report(self, now: datetime, statuses: tuple[LedgerStatus, ...]) -> Report:
        tried = self._tried()
        readings = {status.name: Reading(tried.get(status.name, False), status.last_success) for status in statuses}
        return self._reporter.make(readings, now)

    def _snapshot(
        self, now: datetime, report: Report, statuses: tuple[LedgerStatus, ...], rejected: Iterable[tuple[str, str, int]]
    ) -> Snapshot:
        entries: Counter[str] = Counter()
        for ledger, _, count in rejected:
            entries[ledger] += count
        complete = all(status.last_success or status.name in self._tried() for status in statuses)
        return Snapshot(
            now.astimezone(self.config.timezone),
            report.families,
            statuses,
            report.absent,
            tuple(report.errors),
            complete,
            self.config.report.top,
            report.folded,
            entries,
            self.config.shard,
        )

    def _statuses(self, now: datetime) -> tuple[LedgerStatus, ...]:
        names = [ledger_sync.name for database_sync in self.database_syncs for ledger_sync in database_sync.ledgers]
        return progresses.statuses(self.rollups, names, self._tried(), now)

    def _tried(self) -> dict[str, bool]:
        return {name: state for database_sync in self.database_syncs for name, state in database_sync.up.items()}

    @contextmanager
    def _stage(self, stage: str) -> Iterator[None]:
        start = time.perf_counter()
        yield
        self.telemetry.refresh_duration.labels(stage).observe(time.perf_counter() - start)
