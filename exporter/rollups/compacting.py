"""The rollup file, of which past months are compacted one step at a time."""

import json
from collections import Counter
from collections.abc import Iterable
from datetime import date
from pathlib import Path

from exporter.columns import ENTRIES
from exporter.config import Config
from exporter.rollups import compaction, tasks
from exporter.rollups.changes import ChangeLog, Changes
from exporter.rollups.known import Known
from exporter.rollups.months import MONTHS, Months, reopened
from exporter.rollups.running_totals import Growth

LABELLING = "labelling"
"""The revision of all that decides how series are labelled, but for what has calls."""


class Compacting(Known):
    """Compacts the tasks of past months, and has months read again that change afterwards."""

    def __init__(self, path: Path, config: Config) -> None:
        """Open the file, or make it.

        Raises:
            RollupFileError: it cannot be used, nor another one be made in its place.
        """
        self.revisions = Counter[str]()
        """How often anything changed that a report shows: by ledger, and of :data:`LABELLING`."""
        self._config = config
        super().__init__(path)

    def _define(self) -> None:
        self._change_log = ChangeLog()
        self._growth = Growth()
        self._compacted_on: date | None = None
        if self._state("months") is None:
            self._put("months", "{}")
        self._forget_half_known()

    def compact(self, today: date) -> bool:
        """Compact some closed tasks, or derive some again whose month has been read again. Returns whether there were any."""
        built = all(self.state(ledger) for ledger in ENTRIES if ledger in self._config.ledgers)
        if not built or (self._compacted_on == today and not reopened(self.months)):
            return False
        self._growth.begin()
        # A report may be as of stale_after ago.
        before = (today - self._config.tasks_for - self._config.refresh.stale_after).replace(day=1)
        with self._transaction():
            self._reopen(month for month in self.months if month >= before)  # a window may be longer than it was
            waiting = bool(reopened(self.months))  # of days that are read again, tasks cannot tell yet in which months they are
            derived = self._derive_read_again(today)
            found = derived or (not waiting and self._compact_due(before, today))
        if derived:
            self._change_log.note(tasks.dirty(self._connection), self._growth.changes)
            self.revisions.update(("costs", "impacts", LABELLING))
        elif not found and not waiting:
            try:
                self.shrink()
            finally:
                self._compacted_on = today  # a copy that fails is tried again tomorrow
        return found

    def _derive_read_again(self, today: date) -> bool:
        month = compaction.read_again(self._connection, self.months)
        if month:
            self._put_months(compaction.derive(self._connection, self._growth, self.months, month, today))
        return month is not None

    def _compact_due(self, before: date, today: date) -> bool:
        month = compaction.due(self._connection, self.months, before, today)
        if month:
            self._put("rankings", json.dumps(self._lengths))
            self._put_months(compaction.compact(self._connection, self.months, month, self._config.report))
        return month is not None

    def _reopen_changed(self, changes: Changes) -> None:
        """Have those months read again whose ranges or compacted tasks change."""
        if self.months:
            self._reopen(compaction.changed(self._connection, changes.ledger, changes.replaced))
            if changes.replaced:
                compaction.note_read(self._connection, changes.ledger)

    def _reopen(self, which: Iterable[date]) -> None:
        after = compaction.reopen(self._connection, self.months, which)
        if after != self.months:
            self._put_months(after)
            for ledger in ENTRIES.keys() - self._config.ledgers.keys():
                self._forget(ledger)  # which is built again when it is configured again, for nothing reads its ranges now

    @property
    def _lengths(self) -> list[int]:
        """Of the rankings: which tasks are dropped depends on these."""
        return [self._config.report.top, self._config.report.quest_top]

    def _follow_rankings(self) -> None:
        """Have all months read again if rankings are longer than when tasks were dropped, for they may show more tasks now."""
        dropped_by = self._state("rankings")
        if dropped_by and any(now > then for now, then in zip(self._lengths, json.loads(dropped_by), strict=True)):
            with self._transaction():
                self._reopen(self.months)
                self._put("rankings", json.dumps(self._lengths))

    def _forget_half_known(self) -> None:
        """Forget ledgers that are no longer configured, where parts of them are missing that nobody reads now."""
        for ledger in ENTRIES.keys() - self._config.ledgers.keys():
            if self.building(ledger) or (self.state(ledger) and reopened(self.months)):
                with self._transaction():
                    self._forget(ledger)

    def _forget(self, ledger: str) -> None:
        """Forget a ledger, so that it is built again; what was compacted of it is among what must be read again."""
        self._put_all({f"progress.{ledger}": "", f"building.{ledger}": ""})
        for table in ("ranges", "rejected", "pending", "unread"):
            self._connection.execute(f"DELETE FROM {table} WHERE ledger = ?", [ledger])
        for table in (ledger, *(("compacted_days", "costs_again") if ledger == "costs" else ())):
            self._connection.execute(f"DELETE FROM {table}")

    def _put_months(self, months: Months) -> None:
        self._put("months", MONTHS.dump_json(months).decode())

    def _leave_out(self, ledger: str) -> None:
        """Do not derive tasks again of which not all is there."""
        if reopened(self.months):
            compaction.leave_out(self._connection, ledger)
