"""Comparing a ledger with the rollups by checksums: of each span, whether it holds what is known of it."""

from collections.abc import Sequence
from dataclasses import replace

from exporter.sources.errors import SlowError
from exporter.sources.reader import EntryReader, Span
from exporter.sync.batches import SHORTEST_WAIT
from exporter.sync.ranges import Expected, chunks

MOST_SPANS = 2_000
"""Of one statement."""


async def differing(
    reader: EntryReader, expected: Sequence[Expected], high: int | None, *, of_keys: bool = False
) -> list[Expected]:
    """The spans that differ from the rollups, counting entries up to the high watermark.

    A comparison that takes too long is divided. A single range that takes too long counts as differing. Raises:
        SlowError: a gap of one second takes too long.
    """
    return [each for chunk in chunks(expected, MOST_SPANS) for each in await _differing(reader, chunk, high, of_keys=of_keys)]


async def _differing(reader: EntryReader, expected: Sequence[Expected], high: int | None, *, of_keys: bool) -> list[Expected]:
    try:
        found = await reader.checksums([each.span for each in expected], high, of_keys=of_keys)
    except SlowError:
        if len(expected) == 1 and expected[0].known:
            return list(expected)
        if len(expected) == 1 and expected[0].span.end - expected[0].span.start <= SHORTEST_WAIT:
            raise
        return [each for half in _halves(expected) for each in await _differing(reader, half, high, of_keys=of_keys)]
    return [
        replace(each, found=sums.entries)
        for each, sums in zip(expected, found, strict=True)
        if each.differs(sums, of_keys=of_keys)
    ]


def _halves(expected: Sequence[Expected]) -> list[Sequence[Expected]]:
    """Half of the spans each, or the halves of a single gap."""
    if len(expected) > 1:
        middle = len(expected) // 2
        return [expected[:middle], expected[middle:]]
    span = expected[0].span
    middle_time = span.start + (span.end - span.start) / 2
    return [[Expected(Span(span.start, middle_time))], [Expected(Span(middle_time, span.end))]]
