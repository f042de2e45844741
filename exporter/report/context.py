"""What all sections of one report share: the moment, its windows and its timeline, and access to the rollups."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Context
from functools import cached_property
from operator import add
from typing import Any, TypeVar

from duckdb import DuckDBPyConnection

from exporter.calendar import Calendar
from exporter.config import Config
from exporter.metrics import Labels, Sample

Row = tuple[Any, ...]
Key = TypeVar("Key")
EXACT = Context(prec=80)
"""Sums of decimals of 38 digits lose nothing in it."""
TOKEN_TYPES = ("input", "output")


@dataclass(frozen=True)
class ReportContext:
    """A report at one moment. ``connection`` is to the rollups, with the tables of :mod:`exporter.report.labels`."""

    connection: DuckDBPyConnection
    config: Config
    now: datetime

    @property
    def calendar(self) -> Calendar:
        """The budget days."""
        return Calendar(self.config.timezone)

    @cached_property
    def today(self) -> date:
        """The budget day of the report."""
        return self.calendar.day_of(self.now)

    @cached_property
    def windows(self) -> dict[str, date]:
        """The first day of each window, by its name."""
        spans = {window.name: window.days for window in self.config.report.windows}
        return {name: self.today - timedelta(days=days - 1) if days else date.min for name, days in spans.items()}

    @cached_property
    def timeline(self) -> list[date]:
        """The days of the timeline, the oldest first."""
        return [self.today - timedelta(days=back) for back in reversed(range(self.config.report.timeline_days))]

    @cached_property
    def token_types(self) -> list[str]:
        """The directions of tokens that the ledger of costs tells, as the label ``token_type`` names them."""
        return [kind for kind in TOKEN_TYPES if self.maps("costs", f"{kind}_tokens")]

    def maps(self, ledger: str, column: str) -> bool:
        """Whether a ledger is configured and has a column for this."""
        return ledger in self.config.ledgers and column in self.config.ledgers[ledger].columns

    def rows(self, query: str, **parameters: object) -> list[Row]:
        """The rows of a query over the rollups."""
        return self.connection.execute(query, parameters or None).fetchall()


def samples(rows: Iterable[Row]) -> list[Sample]:
    """Samples from rows of labels followed by one value; a NULL value is unknown, and left out."""
    return [(row[:-1], float(row[-1])) for row in rows if row[-1] is not None]


def complete(found: Iterable[Sample], windows: Iterable[str], known: Iterable[Row] = ()) -> list[Sample]:
    """The samples, whose last label is the window, and 0 wherever a label set, found or known, is missing from a window."""
    values = dict(found)
    sets: dict[Labels, None] = dict.fromkeys((*known, *(labels[:-1] for labels in values)))
    names = list(windows)
    return [((*labels, window), values.get((*labels, window), 0.0)) for labels in sets for window in names]


def summed(parts: Iterable[tuple[Key, Row]]) -> dict[Key, Row]:
    """The sums, column by column, of all rows with the same key."""
    found: dict[Key, Row] = {}
    for key, row in parts:
        add_to(found, key, row)
    return found


def add_to(found: dict[Key, Row], key: Key, row: Row) -> None:
    """Add a row, column by column, to that of a key, if there is one."""
    before = found.get(key)
    found[key] = row if before is None else tuple(map(add, before, row))
