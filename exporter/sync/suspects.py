"""The spans that are to be compared, in their order, and what is known of them."""

from collections import deque
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from enum import Enum, auto

from exporter.calendar import MICROSECOND
from exporter.rollups.ranges import Key
from exporter.sources.reader import Span
from exporter.sync import ranges
from exporter.sync.ranges import Expected
from exporter.sync.step import Step

RANGES_AT_ONCE = 1_000
COMPARED_AT_ONCE = 250_000
"""Entries that are compared before those that differ are read."""


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


class Suspects(deque[Suspect]):
    """The queue of suspects."""

    async def next(self, step: Step) -> dict[Expected, Origin]:
        """What is known of the next span, or of the next short ones, and why it is compared.

        The rest of a span that has too many ranges or entries goes back to where it was.
        """
        first = self.popleft()
        if first.step is step:
            return dict.fromkeys(first.expected, first.origin)
        if _short(first.span):
            spans = [first.span]
            while self and _short(self[0].span) and len(spans) < RANGES_AT_ONCE:
                spans.append(self.popleft().span)
            return dict.fromkeys(await _holding(step, spans), Origin.SUSPECT)
        expected = await expected_in(step, first.span, RANGES_AT_ONCE)
        part = ranges.first(expected[:RANGES_AT_ONCE], COMPARED_AT_ONCE)
        if len(part) < len(expected) or sum(1 for each in expected if each.known) == RANGES_AT_ONCE:
            part = part[:-1] if part[-1].known is None and len(part) > 1 else part
            self.appendleft(replace(first, span=Span(part[-1].span.end, first.span.end)))
        return dict.fromkeys(part, first.origin)


def enough(expected: Collection[Expected]) -> bool:
    """Whether these are as many as are compared at once."""
    return len(expected) >= RANGES_AT_ONCE or ranges.entries(expected) >= COMPARED_AT_ONCE


async def expected_in(step: Step, span: Span, most: int = 1_000_000) -> list[Expected]:
    """What is known of a span, whole ranges of it and the gaps between them."""
    rollups = step.context.rollups
    known = await step.context.worker.run(rollups.known, step.ledger, _around(step, span), most=most)
    return ranges.cover(step.calendar, span, known)


async def expected_of(step: Step, spans: Sequence[Span]) -> list[list[Expected]]:
    """As :func:`expected_in`, of several spans at once."""
    around = [_around(step, span) for span in spans if span.start < span.end]
    known = await step.context.worker.run(step.context.rollups.known, step.ledger, *around)
    return [
        ranges.cover(step.calendar, span, [each for each in known if first <= each.key <= last])
        for span, (first, last) in zip(spans, around, strict=False)
    ] + [[] for _ in range(len(spans) - len(around))]


async def _holding(step: Step, spans: list[Span]) -> list[Expected]:
    """What is known of the ranges that hold these short spans, each once."""
    found = await step.context.worker.run(
        lambda: [step.context.rollups.known(step.ledger, _around(step, span)) for span in spans]
    )
    covers = (ranges.cover(step.calendar, span, known) for span, known in zip(spans, found, strict=True))
    return list(dict.fromkeys(each for cover in covers for each in cover))


def _around(step: Step, span: Span) -> tuple[Key, Key]:
    """The first and the last range that may hold a part of a span."""
    return ranges.hour(step.calendar, span.start), ranges.key(step.calendar, span.end - MICROSECOND)


def _short(span: Span) -> bool:
    """Whether a span is looked up together with others: it is in one range, or in a gap."""
    return span.end - span.start <= ranges.MINUTE
