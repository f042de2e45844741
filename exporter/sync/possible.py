"""Ranges that may differ: the lookback, what the audit has come to, and what updates or vanished entries made suspect.

They are compared by checksum, and only those that differ are read.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from exporter.calendar import ONE_DAY
from exporter.rollups.ranges import Key
from exporter.sources.reader import Span
from exporter.sources.statements import BEGINNING
from exporter.sources.transfer import BATCH
from exporter.sync import ranges
from exporter.sync.audit import Audit
from exporter.sync.batches import Batch, BatchReader
from exporter.sync.comparator import differing
from exporter.sync.ranges import Budget, Expected
from exporter.sync.step import Step
from exporter.sync.suspects import Origin, Suspect, Suspects, enough, expected_in, expected_of

COMPARED_ROWS = 20_000
"""Entries of the lookback that are compared in every poll; more of them in turn."""
LATE_ROWS = 150_000
"""Entries that are counted in one poll, at most, of a ledger whose watermark may pass late ones, or that has none."""
LATE_ROUND = timedelta(seconds=45)
"""The time in which the whole of ``refresh.late`` is counted once; longer if ``LATE_ROWS`` limits a poll."""
ROWS_AT_ONCE = 50_000
"""Entries of ranges that differ which go into the rollups in one transaction."""
MOST_COMPARED = 1_000_000
"""Entries that are compared in one snapshot."""


@dataclass
class Possible:
    """The spans that may differ, in the order in which they are to be compared."""

    batches: BatchReader
    interval: timedelta
    lookback: timedelta
    late: timedelta
    whole_days: bool = False
    """Whether entries tell days only, so that those of today and yesterday may still change."""
    _queue: Suspects = field(default_factory=Suspects)
    _recent: Budget = field(default_factory=lambda: Budget(COMPARED_ROWS))
    _late_from: datetime | None = None
    _audit: Audit = field(default_factory=Audit)

    def forget(self) -> None:
        """Begin again, for a ledger that is built again."""
        self._queue.clear()
        self._audit.forget()
        self._late_from = None

    async def collect(self, step: Step, suspects: Iterable[Span], *, everything: bool) -> None:
        """List the spans that a poll has to compare; ``everything`` is the whole ledger."""
        recent = self._recent_start(step)
        lookback = Span(recent, step.calendar.end(step.calendar.day_of(step.now)))
        audited = Span(BEGINNING, BEGINNING) if everything else self._audit.span(step, recent)
        known = await expected_of(step, [lookback, audited])
        self._look_back(step, known[0])
        if everything:
            self._queue.append(Suspect(Span(BEGINNING, recent), Origin.AUDIT))
        else:
            self._suspect(step, self._audit.take(step, known[1], recent), Origin.AUDIT)
        if not step.certain:
            self._queue.extend(Suspect(each.span) for each in await self._counted(step, recent))
        self._queue.extend(Suspect(span) for span in suspects if span.start < lookback.end)

    async def compare(self, step: Step) -> bool:
        """Compare the spans and bring those that differ in step; returns whether none is left for another snapshot."""
        compared = 0
        while self._queue:
            if compared > MOST_COMPARED or step.rows > BATCH.rows:
                return False
            expected: dict[Expected, Origin] = {}
            while self._queue and not enough(expected):
                expected |= await self._queue.next(step)
            compared += ranges.entries(expected)
            wrong = await differing(step.reader, list(expected), step.progress.high)
            self._count(step, expected, wrong)
            self._note_passed(step, expected, wrong)
            await self._repair(step, ranges.disjoint(wrong))
        return True

    def _recent_start(self, step: Step) -> datetime:
        """Where the lookback begins: so long before the last poll, or before what the clock says if it was set back."""
        start = max(min(step.progress.last_success, step.now) - self.lookback, BEGINNING)
        if self.whole_days:
            return step.calendar.start(step.calendar.day_of(start) - ONE_DAY)
        day, minute = ranges.key(step.calendar, start)
        return step.calendar.start(day) + minute * ranges.MINUTE

    def _look_back(self, step: Step, expected: list[Expected]) -> None:
        """Compare the lookback, or its newest entries only if the last poll was just now and there are many."""
        just_now = step.now - step.progress.last_success < self.lookback
        if just_now and not self._recent.due(ranges.entries(expected)):
            expected = ranges.newest(expected, COMPARED_ROWS)
        self._suspect(step, expected, Origin.LOOKBACK)

    def _suspect(self, step: Step, expected: Sequence[Expected], origin: Origin) -> None:
        """List the span of these, if there are any."""
        if expected:
            span = Span(expected[0].span.start, expected[-1].span.end)
            self._queue.append(Suspect(span, origin, expected, step))

    async def _counted(self, step: Step, limit: datetime) -> list[Expected]:
        """Where late entries may be that no watermark shows: their ids are added up, which an index can serve."""
        start = limit - self.late
        expected = await expected_in(step, Span(start, limit))
        share = min(LATE_ROWS, max(COMPARED_ROWS, int(ranges.entries(expected) * (self.interval / LATE_ROUND))))
        begin = next((at for at, each in enumerate(expected) if self._late_from and each.span.start >= self._late_from), 0)
        counted = ranges.first(expected[begin:], share)
        self._late_from = counted[-1].span.end if counted else None
        return await differing(step.reader, counted, step.progress.high, of_keys=True)

    def _count(self, step: Step, expected: Mapping[Expected, Origin], wrong: list[Expected]) -> None:
        telemetry, audited = step.context.telemetry, [each for each, origin in expected.items() if origin is Origin.AUDIT]
        telemetry.audited_buckets.labels(step.ledger).inc(sum(1 for each in audited if each.known))
        differing = {each for each in wrong if not (each.known and each.known.unread)}
        telemetry.audit_repairs.labels(step.ledger).inc(len(set(audited) & differing))

    def _note_passed(self, step: Step, expected: Mapping[Expected, Origin], wrong: list[Expected]) -> None:
        """Note where the lookback has new entries that the watermark did not show, because it had passed their ids.

        Entries of a day that has just begun, and of transactions from before the first build, may be older than they look.
        """
        sure = step.progress.today == step.calendar.day_of(step.now) and step.progress.pending_transactions is None
        if sure and any(each.grown and expected.get(each) is Origin.LOOKBACK for each in wrong):
            step.progress = replace(step.progress, passed_at=step.now)

    async def _repair(self, step: Step, wrong: list[Expected]) -> None:
        """Read the spans that differ, and put what is there in the place of what was known."""
        batches: list[Batch] = []
        replaced: list[Key] = []
        for each in wrong:
            read = self.batches.all(step.reader, each.span, step.progress.high)
            async for batch in self.batches.nothing(each.span) if each.found == 0 else read:
                batches.append(batch)
                # Where nothing was known, each batch can be added by itself.
                if each.known is None and _rows(batches) > ROWS_AT_ONCE:
                    await self._apply(step, batches, replaced)
            if each.known:
                replaced.append(each.known.key)
            if _rows(batches) > ROWS_AT_ONCE:
                await self._apply(step, batches, replaced)
        if batches:
            await self._apply(step, batches, replaced)

    async def _apply(self, step: Step, batches: list[Batch], replaced: list[Key]) -> None:
        files = [file for batch in batches for file in batch.files]
        await step.apply(files, _rows(batches), tuple(replaced))
        batches.clear()
        replaced.clear()


def _rows(batches: Iterable[Batch]) -> int:
    return sum(batch.rows for batch in batches)
