"""Reading the entries of a range of time in batches: no statement sends more, or takes longer, than its limits allow.

How busy a day was therefore decides how many batches it takes, and nothing else. A range that turns out too large or too
slow is cut short and tried again; what cannot be cut, because all entries bear the same time, is divided by their ids.
"""

import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import count
from pathlib import Path

from exporter.calendar import MICROSECOND, ONE_DAY
from exporter.sources.errors import SlowError, TooLargeError
from exporter.sources.reader import EntryReader, Span
from exporter.sources.transfer import BATCH

FACTOR = 4
"""By which a range that does not fit is shortened, and one that fits so many times over is prolonged."""
SHORTEST_WAIT = timedelta(seconds=1)
"""A range this short that takes longer than ``statement_timeout`` is not slow for its entries."""
MOST_SLICES = 4**6
NEW_ROWS = 50_000
"""New entries that are read at a time."""


@dataclass(frozen=True, slots=True)
class Batch:
    """The entries of a span in CSV files, as :func:`exporter.sources.statements.entries` has them."""

    span: Span
    files: list[Path]
    rows: int


class BatchReader:
    """Reads batches of one ledger into files of a directory, and remembers how long a span fitted into one.

    ``patience`` is what a statement may take.
    """

    def __init__(self, ledger: str, directory: Path, patience: timedelta) -> None:
        self._ledger = ledger
        self._directory = directory
        self._patience = patience.total_seconds()
        self._length = ONE_DAY
        self._number = count()

    def file(self) -> Path:
        """A name for another file of entries."""
        return self._directory / f"{self._ledger}-{next(self._number)}.csv"

    async def all(self, reader: EntryReader, span: Span, high: int | None) -> AsyncIterator[Batch]:
        """The batches of a span, in order of time; of a long one without the parts in which there is nothing."""
        start, empty = span.start, span.end - span.start > ONE_DAY
        while start < span.end:
            if empty:
                found = await reader.first_entry(Span(start, span.end))
                if found is None:
                    return
                start = found
            batch = await self.first(reader, Span(start, span.end), high)
            yield batch
            start, empty = batch.span.end, not batch.rows

    async def nothing(self, span: Span) -> AsyncIterator[Batch]:
        """A batch without rows, of a span that was found to hold none."""
        file = self.file()
        file.touch()
        yield Batch(span, [file], 0)

    async def first(self, reader: EntryReader, span: Span, high: int | None) -> Batch:
        """As much of a span, from its start on, as fits into one batch.

        Raises:
            SourceError, TimeoutError: reading it failed, and not because of its size.
        """
        start, upper, rows = span.start, min(span.end, span.start + self._length), BATCH.rows // FACTOR
        while True:
            began = time.monotonic()
            try:
                batch = await self._read(reader, Span(start, upper), high)
            except SlowError:
                if upper - start <= SHORTEST_WAIT:
                    raise
                upper = start + (upper - start) // FACTOR
                self._length = upper - start
            except TooLargeError:
                if upper - start <= MICROSECOND:
                    self._length = ONE_DAY  # what follows need not be as dense
                    return await self._divided(reader, Span(start, upper), high)
                # It holds one microsecond at least.
                boundary = await reader.nth_entry(Span(start, upper), rows) or upper
                upper = max(boundary, start + MICROSECOND)
                self._length, rows = upper - start, rows // FACTOR
            else:
                if self._fits(batch, time.monotonic() - began):
                    self._length = min(self._length * FACTOR, ONE_DAY)
                return batch

    async def new(self, reader: EntryReader, low: int, newest: int) -> tuple[Path, int, int]:
        """The entries with ids above ``low``, as many as fit into one batch: a file, its rows, and the id that it reaches."""
        high = newest
        if newest - low > NEW_ROWS:
            found = await reader.nth_id(low, NEW_ROWS - 1)
            high = newest if found is None else found
        while True:
            file = self.file()
            try:
                return file, await reader.fetch_above(low, high, file), high
            except (SlowError, TooLargeError):
                if high - low <= 1:
                    raise
                high = low + max(1, (high - low) // FACTOR)

    async def among(self, reader: EntryReader, ids: Sequence[int | str]) -> tuple[list[Path], int]:
        """The entries with these ids, in files, and how many there are."""
        files, rows, left = list[Path](), 0, [ids[at : at + NEW_ROWS] for at in range(0, len(ids), NEW_ROWS)]
        while left:
            part, file = left.pop(), self.file()
            try:
                rows += await reader.fetch_ids(part, file)
                files.append(file)
            except (SlowError, TooLargeError):
                if len(part) == 1:
                    raise
                left += [part[: len(part) // 2], part[len(part) // 2 :]]
        return files, rows

    def _fits(self, batch: Batch, seconds: float) -> bool:
        """Whether a longer span, of as many entries a second, would fit too."""
        size = sum(file.stat().st_size for file in batch.files)
        return batch.rows * FACTOR < BATCH.rows and size * FACTOR < BATCH.size and seconds * FACTOR < self._patience

    async def _divided(self, reader: EntryReader, span: Span, high: int | None) -> Batch:
        """The batch of one moment that has more entries than fit into one file."""
        slices = FACTOR
        while True:
            try:
                parts = [await self._read(reader, span, high, (number, slices)) for number in range(slices)]
            except TooLargeError:
                slices *= FACTOR
                if slices > MOST_SLICES:
                    raise
            else:
                return Batch(span, [file for part in parts for file in part.files], sum(part.rows for part in parts))

    async def _read(self, reader: EntryReader, span: Span, high: int | None, part: tuple[int, int] = (0, 1)) -> Batch:
        file = self.file()
        return Batch(span, [file], await reader.fetch(span, high, file, part))
