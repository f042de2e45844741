"""Reading the entries of a range of time in batches: no statement sends more, or takes longer, than its limits allow.

How busy a day was therefore decides how many batches it takes, and nothing else. A range that turns out too large or too
slow is cut short and tried again; what cannot be cut, because all entries bear the same time, is divided by their ids.
"""

import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import psycopg

from exporter.calendar import MICROSECOND, ONE_DAY
from exporter.sources import statements
from exporter.sources.database import Transaction
from exporter.sources.mapping import Source
from exporter.sources.transfer import BATCH, TooLargeError

FACTOR = 4
"""By which a range that does not fit is shortened, and one that fits so many times over is prolonged."""
SHORTEST_WAIT = timedelta(seconds=1)
"""A range this short that takes longer than ``statement_timeout`` is not slow for its entries."""
MOST_SLICES = 4**6


Bounds = tuple[datetime, datetime]


@dataclass(frozen=True, slots=True)
class Batch:
    """The entries from ``start`` to before ``end`` in CSV files, as :func:`exporter.sources.statements.entries` has them."""

    start: datetime
    end: datetime
    files: list[Path]
    rows: int


class BatchReader:
    """Reads batches into files of a directory. It remembers how long a range fitted, so that few are tried in vain.

    ``patience`` is what a statement may take.
    """

    def __init__(self, directory: Path, patience: timedelta) -> None:
        self._directory = directory
        self._patience = patience.total_seconds()
        self._length = ONE_DAY

    async def all(self, transaction: Transaction, source: Source, start: datetime, end: datetime) -> AsyncIterator[Batch]:
        """The batches of a range, at least one, in order of time and without a gap."""
        while True:
            batch = await self.first(transaction, source, start, end)
            yield batch
            start = batch.end
            if start >= end:
                return

    async def first(self, transaction: Transaction, source: Source, start: datetime, end: datetime) -> Batch:
        """As much of a range, from its start on, as fits into one batch.

        Raises:
            psycopg.Error, TimeoutError: reading it failed, and not because of its size.
        """
        upper, rows = min(end, start + self._length), BATCH.rows // FACTOR
        while True:
            began = time.monotonic()
            try:
                batch = await self._read(transaction, source, (start, upper))
            except psycopg.errors.QueryCanceled:
                if upper - start <= SHORTEST_WAIT:
                    raise
                upper = start + (upper - start) // FACTOR
                self._length = upper - start
            except TooLargeError:
                if upper - start <= MICROSECOND:
                    self._length = ONE_DAY  # what follows need not be as dense
                    return await self._divided(transaction, source, (start, upper))
                upper = await self._boundary(transaction, source, (start, upper), rows)
                self._length, rows = upper - start, rows // FACTOR
            else:
                if self._fits(batch, time.monotonic() - began):
                    self._length = min(self._length * FACTOR, ONE_DAY)
                return batch

    async def _boundary(self, transaction: Transaction, source: Source, bounds: Bounds, rows: int) -> datetime:
        """Where a range ends that holds so many entries, by an index on their time; it holds one microsecond at least."""
        start, end = bounds
        found = await transaction.rows(statements.nth_entry(source), start=start, end=end, rows=rows)
        return max(found[0][0] if found else end, start + MICROSECOND)

    def _fits(self, batch: Batch, seconds: float) -> bool:
        """Whether a longer range, of as many entries a second, would fit too."""
        size = sum(file.stat().st_size for file in batch.files)
        return batch.rows * FACTOR < BATCH.rows and size * FACTOR < BATCH.size and seconds * FACTOR < self._patience

    async def _divided(self, transaction: Transaction, source: Source, bounds: Bounds) -> Batch:
        """The batch of one moment that has more entries than fit into one file."""
        slices = FACTOR
        while True:
            try:
                parts = [await self._read(transaction, source, bounds, (number, slices)) for number in range(slices)]
            except TooLargeError:
                slices *= FACTOR
                if slices > MOST_SLICES:
                    raise
            else:
                files = [file for part in parts for file in part.files]
                return Batch(*bounds, files, sum(part.rows for part in parts))

    async def _read(self, transaction: Transaction, source: Source, bounds: Bounds, part: tuple[int, int] = (0, 1)) -> Batch:
        (start, end), (number, slices) = bounds, part
        file = self._directory / f"{source.ledger.name}-{start:%Y%m%dT%H%M%S.%f}-{number}.csv"
        statement = statements.entries(source, slices)
        parameters = {"start": start, "end": end} | ({"slice": number} if slices > 1 else {})
        try:
            async with transaction.savepoint():
                rows = await transaction.copy(statement, file, BATCH, **parameters)
        except psycopg.Error:
            file.unlink(missing_ok=True)
            raise
        return Batch(start, end, [file], rows)
