"""The audit: it compares the whole ledger in turn, some entries in each poll."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from exporter.calendar import ONE_DAY
from exporter.sources.reader import Span
from exporter.sources.statements import BEGINNING
from exporter.sync import ranges
from exporter.sync.ranges import Expected
from exporter.sync.step import Step

AUDITED_ROWS = 10_000
AUDITED_RANGES = 1_000
MOST_AUDITED_DAYS = 4_000
"""The most that are audited in one poll: entries, ranges, and days."""


@dataclass
class Audit:
    """Where the audit looks next. What it holds in memory only saves work; how far it has come is in the progress."""

    _days: int = 1
    _first: datetime | None = None
    """Where the first known range begins, as the audit found it the last time."""

    def forget(self) -> None:
        """Begin again, for a ledger that is built again."""
        self._first = None

    def span(self, step: Step, limit: datetime) -> Span:
        """The span from where the audit has come to, of as many days as held about 10,000 entries the last time."""
        start = step.progress.audit_from or BEGINNING
        start = BEGINNING if start >= limit else start
        # Before the first entry there is a gap of any length.
        first = max(start, self._first or start)
        return Span(start, limit if first == BEGINNING else min(limit, first + self._days * ONE_DAY))

    def take(self, step: Step, expected: Sequence[Expected], limit: datetime) -> Sequence[Expected]:
        """The first of what is known of this span, about 10,000 entries. Notes in the progress where the next poll goes on."""
        if not expected:
            step.progress = replace(step.progress, audit_from=None)
            return []
        audited = ranges.first(expected, AUDITED_ROWS)[:AUDITED_RANGES]
        if audited[0].span.start == BEGINNING:
            self._first = next((each.span.start for each in audited if each.known), None)
        end = audited[-1].span.end
        days = (end - max(audited[0].span.start, self._first or BEGINNING)) // ONE_DAY + 1
        self._days = min(2 * days, MOST_AUDITED_DAYS) if len(audited) == len(expected) else days
        step.progress = replace(step.progress, audit_from=end if end < limit else None)
        return audited
