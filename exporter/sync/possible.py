"""Ranges that may differ: the lookback, what the audit has come to, and what updates or vanished entries made suspect.

They are compared by checksum, and only those that differ are read.
"""

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import Enum, auto

from exporter.calendar import MICROSECOND, ONE_DAY
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

COMPARED_ROWS = 20_000
"""Entries of the lookback that are compared in every poll; more of them in turn."""
LATE_ROWS = 150_000
"""Entries that are counted in one poll, at most, of a ledger whose watermark may pass late ones, or that has none."""
LATE_ROUND = timedelta(seconds=45)
"""The time in which the whole of ``refresh.late`` is counted once; longer if ``LATE_ROWS`` limits a poll."""
RANGES_AT_ONCE = 1_000
ROWS_AT_ONCE = 50_000
"""Entries of ranges that differ which go into the rollups in one transaction."""
COMPARED_AT_ONCE = 250_000
"""Entries that are compared before those that differ are read."""
MOST_COMPARED = 1_000_000
"""Entries that are compared in one snapshot."""


class Origin(Enum):
    """Why a span is compared."""

    LOOKBACK = auto()
    AUDIT = auto()
    SUSPECT = auto()


@dataclass(frozen=True, slots=True)
class Suspect:
    """A span to be compared, why it is, and what is known of it, if that was asked in a step."""

    span: Span
    origin: Origin = Origin.SUSPECT
    expected: Sequence[Expected] = ()
    step: Step | None = None


@dataclass
class Possible:
    """The spans that may differ, in the order in which they are to be compared."""

    batches: BatchReader
    interval: timedelta
    lookback: timedelta
    late: timedelta
    whole_days: bool = False
    """Whether entries tell days only, so that those of today and yesterday may still change."""
    _queue: deque[Suspect] = field(default_factory=deque)
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
        known = await self._expected_of(step, [lookback, audited])
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
            while self._queue and len(expected) < RANGES_AT_ONCE and ranges.entries(expected) < COMPARED_AT_ONCE:
                expected |= await self._next(step)
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

    async def _expected(self, step: Step, span: Span, most: int = 1_000_000) -> list[Expected]:
        """What is known of a span, whole ranges of it and the gaps between them."""
        rollups = step.context.rollups
        known = await step.context.worker.run(rollups.known, step.ledger, _around(step, span), most=most)
        return ranges.cover(step.calendar, span, known)

    async def _expected_of(self, step: Step, spans: Sequence[Span]) -> list[list[Expected]]:
        """As :meth:`_expected`, of several spans at once."""
        around = [_around(step, span) for span in spans if span.start < span.end]
        known = await step.context.worker.run(step.context.rollups.known, step.ledger, *around)
        return [
            ranges.cover(step.calendar, span, [each for each in known if first <= each.key <= last])
            for span, (first, last) in zip(spans, around, strict=False)
        ] + [[] for _ in range(len(spans) - len(around))]

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
        expected = await self._expected(step, Span(start, limit))
        share = min(LATE_ROWS, max(COMPARED_ROWS, int(ranges.entries(expected) * (self.interval / LATE_ROUND))))
        begin = next((at for at, each in enumerate(expected) if self._late_from and each.span.start >= self._late_from), 0)
        counted = ranges.first(expected[begin:], share)
        self._late_from = counted[-1].span.end if counted else None
        return await differing(step.reader, counted, step.progress.high, of_keys=True)

    async def _next(self, step: Step) -> dict[Expected, Origin]:
        """What is known of the next span, or of the next short ones, and why it is compared.

        The rest of a span that has too many ranges or entries goes back to where it was.
        """
        first = self._queue.popleft()
        if first.step is step:
            return dict.fromkeys(first.expected, first.origin)
        if _short(first.span):
            spans = [first.span]
            while self._queue and _short(self._queue[0].span) and len(spans) < RANGES_AT_ONCE:
                spans.append(self._queue.popleft().span)
            return dict.fromkeys(await self._holding(step, spans), Origin.SUSPECT)
        expected = await self._expected(step, first.span, RANGES_AT_ONCE)
        enough = ranges.first(expected[:RANGES_AT_ONCE], COMPARED_AT_ONCE)
        if len(enough) < len(expected) or sum(1 for each in expected if each.known) == RANGES_AT_ONCE:
            enough = enough[:-1] if enough[-1].known is None and len(enough) > 1 else enough
            self._queue.appendleft(replace(first, span=Span(enough[-1].span.end, first.span.end)))
        return dict.fromkeys(enough, first.origin)

    async def _holding(self, step: Step, spans: list[Span]) -> list[Expected]:
        """What is known of the ranges that hold these short spans, each once."""
        found = await step.context.worker.run(
            lambda: [step.context.rollups.known(step.ledger, _around(step, span)) for span in spans]
        )
        covers = (ranges.cover(step.calendar, span, known) for span, known in zip(spans, found, strict=True))
        return list(dict.fromkeys(each for cover in covers for each in cover))

    def _count(self, step: Step, expected: Mapping[Expected, Origin], wrong: list[Expected]) -> None:
        telemetry, audited = step.context.telemetry, [each for each, origin in expected.items() if origin is Origin.AUDIT]
        telemetry.audited_buckets.labels(step.ledger).inc(sum(1 for each in audited if each.known))
        telemetry.audit_repairs.labels(step.ledger).inc(len(set(audited) & set(wrong)))

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


def _around(step: Step, span: Span) -> tuple[Key, Key]:
    """The first and the last range that may hold a part of a span."""
    return ranges.hour(step.calendar, span.start), ranges.key(step.calendar, span.end - MICROSECOND)


def _short(span: Span) -> bool:
    """Whether a span is looked up together with others: it is in one range, or in a gap."""
    return span.end - span.start <= ranges.MINUTE
