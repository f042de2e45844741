"""What a history is made of: series of samples at the moments of a span."""

from collections.abc import Iterable, Iterator
from datetime import date
from decimal import Decimal
from typing import Any

from duckdb import DuckDBPyConnection

from exporter.backfill.span import Span
from exporter.metrics import Labels

Row = tuple[Any, ...]
Sample = tuple[int, Decimal | float]
"""The number of a moment of the span, and the value at that moment."""
Series = tuple[Labels, Iterator[Sample]]
"""The label values of a series, and its samples in order of time."""


def fetched(connection: DuckDBPyConnection, query: str, **parameters: object) -> Iterator[Row]:
    """The rows of a query, fetched in batches. Only one query may be open: the connection has a single result."""
    result = connection.execute(query, parameters or None)
    while batch := result.fetchmany(10_000):
        yield from batch


def held(span: Span, values: Iterable[Row]) -> Iterator[Sample]:
    """Values that hold for a day, given as ``(day, value)``: samples at all moments of the day."""
    by_day: dict[date, Any] = dict(values)
    for day, numbers in span.days():
        if by_day.get(day) is not None:
            yield from ((number, by_day[day]) for number in numbers)
