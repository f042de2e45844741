"""Following a simulated ledger with checks: after each poll, the rollups hold what can be known of it."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from types import ModuleType

import pytest

from exporter.calendar import Calendar
from exporter.sources.transfer import Limit
from exporter.sync import audit, batches, build, certain, comparator, possible, suspects
from exporter.sync.progress import Progress
from tests.sync.certainty import found_at_once
from tests.sync.engine import Engine
from tests.sync.expected import compacted, compacted_days, differing_rows, dropped, expected, found, pending
from tests.sync.simulated import Ledger, Rows, Transaction
from tests.sync.simulated_rows import occurred

SMALL: dict[ModuleType, dict[str, object]] = {
    batches: {"NEW_ROWS": 2, "BATCH": Limit(4, 10**6)},
    build: {"BATCHES_AT_ONCE": 2, "BATCH": Limit(4, 10**6)},
    certain: {"LATE_IDS": 2, "MOST_VERSIONS": 3},
    audit: {"AUDITED_RANGES": 3},
    comparator: {"MOST_SPANS": 2},
    suspects: {"RANGES_AT_ONCE": 2, "COMPARED_AT_ONCE": 3},
    possible: {
        "ROWS_AT_ONCE": 2,
        "MOST_COMPARED": 4,
        "BATCH": Limit(4, 10**6),
    },
}
"""Sizes with which a few rows take many batches, snapshots and comparisons."""
AUDIT = audit.Audit.take


@contextmanager
def sizes(*, small: bool) -> Iterator[None]:
    """The audit rests, for of a few rows it would see all in every poll, and nothing waits for open transactions.

    ``small`` also makes all batches small.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(audit.Audit, "take", lambda *_: [])
        patch.setattr(build, "PENDING_POLL_SECONDS", 0)
        for module, values in SMALL.items() if small else ():
            for name, value in values.items():
                patch.setattr(module, name, value)
        yield


@dataclass
class Checked:
    """A ledger and the engine that follows it."""

    ledger: Ledger
    directory: Path
    compacting: bool = False
    certain: bool = True
    """Whether the next poll must find all that was committed; else an audit round must."""

    def __post_init__(self) -> None:
        self.engine = Engine(self.ledger, self.directory, compacting=self.compacting)
        self.calendar = Calendar(self.engine.config.timezone)
        self._polled: Rows = {}
        self._loop = asyncio.new_event_loop()

    def close(self) -> None:
        """Close the rollups."""
        self.engine.rollups.close()
        self._loop.close()

    def commit(self, transaction: Transaction) -> None:
        """Commit, and note whether the next poll must find all of it."""
        changes = [(self.ledger.rows.get(number), row) for number, row in transaction.writes.items()]
        self.certain &= all(found_at_once(self.engine.progress, transaction, *each) for each in changes)
        transaction.commit()

    def poll(self) -> None:
        """Poll without an error, and check the rollups."""
        was_built = self.engine.progress is not None
        before, sent = self._bound(), self.engine.limits.sent
        assert self._loop.run_until_complete(self.engine.poll()) is None
        if was_built and not self.compacting:  # whole months are read again
            assert self.engine.limits.sent - sent <= before
        while self.engine.reopened:
            assert self._loop.run_until_complete(self.engine.poll()) is None
        assert not list(self.engine.directory.glob("*/*.csv"))
        self._polled = dict(self.ledger.rows)
        self.check()

    def attempt(self, calls: int) -> str | None:
        """Poll with a crash after some calls of the reader or the rollups; returns whether it came to that."""
        self.engine.crash_in = calls
        failed = self._loop.run_until_complete(self.engine.poll())
        self.engine.crash_in = None
        # Which ranges are suspect, for entries have vanished from them, is known until then.
        self.certain &= failed is None
        return failed

    def audit(self) -> None:
        """Poll until the audit has seen the whole ledger, and check all of it; then a poll fetches nothing."""
        rounds, polls = 0, 0
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(audit.Audit, "take", AUDIT)
            while rounds < 2:
                self.poll()
                polls += 1
                assert polls < 100, "the audit comes to no end"
                rounds += self._progress.audit_from is None
        self.certain = True
        self.check()
        sent = self.engine.limits.sent
        self.poll()
        assert self.engine.limits.sent == sent

    def check(self) -> None:
        """Compare what the rollups hold with the visible rows, as far as these can be known."""
        progress = self._progress
        if progress.pending_transactions is not None and self.ledger.open:
            return  # some of these may have written before what was counted
        self._check_watermark()
        if self.certain:
            rollups = self.engine.rollups
            left_out = compacted(rollups), dropped(rollups, self.ledger), compacted_days(rollups)
            wanted, got = expected(self.ledger, self.calendar, *left_out), found(rollups, self.ledger.name)
            differences = {name: (wanted[name] - got[name], got[name] - wanted[name]) for name in wanted}
            wrong = {name: each for name, each in differences.items() if any(each)}
            assert not wrong, str(wrong)

    @property
    def _progress(self) -> Progress:
        assert self.engine.progress is not None
        return self.engine.progress

    def _check_watermark(self) -> None:
        progress = self._progress
        rows = self.engine.rollups.connection.execute("SELECT key FROM pending ORDER BY key").fetchall()
        remembered, wanted = {number for (number,) in rows}, pending(self.ledger, progress) if self.ledger.numbered else set()
        # Those of days to come are not counted yet, so it does not matter whether they are remembered.
        today = self.calendar.day_of(self.ledger.now)
        future = {key for key, row in self.ledger.rows.items() if (at := occurred(row)) and self.calendar.day_of(at) > today}
        assert wanted - future <= remembered <= wanted
        written = [number for transaction in self.ledger.open for number, row in transaction.writes.items() if row]
        new = [number for number in written if number not in self.ledger.rows]
        assert progress.low is None or all(int(number) > progress.low for number in new)

    def _bound(self) -> int:
        """How many rows a poll may fetch."""
        rows, before = self.ledger.rows, self._polled
        changed = sum(1 for number in rows.keys() | before.keys() if rows.get(number) != before.get(number))
        everything = ((date.min, 0), (date.max, 2000))
        known = self.engine.rollups.known(self.ledger.name, everything)
        return 3 * changed + differing_rows(self.ledger, known, self.calendar) + self._uncounted()

    def _uncounted(self) -> int:
        """Updated rows that are not in the rollups, whose versions are therefore not known."""
        end = self.calendar.end(self.calendar.day_of(self.ledger.now))
        times = [occurred(row) for row in self.ledger.rows.values() if self.ledger.tracked]
        return sum(1 for at in times if at is None or at >= end)
