"""Sums over large tables, so that a report need not read a million rows.

A change appends what it takes away and what it adds, with their signs; the view over a total adds up. A total that has grown
by many such rows is compacted. All numbers are whole or decimal, and so exact: nothing drifts.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from duckdb import DuckDBPyConnection

from exporter.columns import COST_SUMS, DECIMAL

Row = tuple[Any, ...]
MOST_APPENDED = 20_000
"""Rows by which a total may grow before it is compacted."""


@dataclass(frozen=True, slots=True)
class RunningTotal:
    """Sums of some rows by ``keys`` in the table ``name``. ``view`` is the query that adds them up.

    ``keys`` give each key its type and the column of these rows that it is, ``sums`` each sum its type and expression. The
    first sum counts rows: where none is left, the view has no row. A row is added if its ``sign`` is 1, and taken away if -1.
    """

    name: str
    keys: Mapping[str, tuple[str, str]]
    sums: Mapping[str, tuple[str, str]]

    @property
    def ddl(self) -> str:
        """The table."""
        columns = [f"{name} {kind}" for name, (kind, _) in (*self.keys.items(), *self.sums.items())]
        return f"CREATE TABLE {self.name} ({', '.join(columns)});"

    def of_slices(self) -> "RunningTotal":
        """The same sums by month and slice, for tasks that are dropped."""
        keys = {"month": ("DATE", "month"), "slice": ("INTEGER", "slice")}
        return RunningTotal(f"dropped_{self.name}", {**keys, **self.keys}, self.sums)

    @property
    def view(self) -> str:
        """What the rows of the table add up to."""
        columns = (*self.keys, *(f"sum({name}) AS {name}" for name in self.sums))
        return f"SELECT {', '.join(columns)} FROM {self.name} GROUP BY ALL HAVING sum({next(iter(self.sums))}) <> 0"

    def append(self, rows: str) -> str:
        """SQL that adds the sums over some rows; those with the ``sign`` -1 are taken away, those with 1 are added."""
        keys = [column for _, column in self.keys.values()]
        sums = [expression for _, expression in self.sums.values()]
        return f"INSERT INTO {self.name} SELECT {', '.join(keys + sums)} FROM ({rows}) GROUP BY {', '.join(keys)}"

    def compact(self) -> str:
        """SQL that leaves one row for each key."""
        return (
            f"CREATE OR REPLACE TEMP TABLE compacted AS {self.view}; DELETE FROM {self.name};"
            f" INSERT INTO {self.name} FROM compacted;"
        )


def _sum(column: str) -> str:
    """The sum of a column of rows that have a ``sign``, by which no decimal is multiplied: the result would be too wide."""
    return f"coalesce(sum(CASE WHEN sign < 0 THEN -{column} ELSE {column} END), 0)"


_COSTS = {each.name: ("HUGEINT" if each.type == "BIGINT" else each.type, _sum(each.name)) for each in COST_SUMS}
_TASKS = ("HUGEINT", "sum(sign)")
_JUDGED = {
    "tasks": _TASKS,
    "scored": ("HUGEINT", "coalesce(sum(sign) FILTER (impact IS NOT NULL), 0)"),
    "impact": (DECIMAL, _sum("impact")),
}
_ALL = (
    RunningTotal(
        "cost_days",
        {"day": ("DATE", "day"), "quest": ("INTEGER", "quest"), "model_key": ("INTEGER", "model_key")},
        _COSTS,
    ),
    RunningTotal(
        "provider_days",
        {"family": ("VARCHAR", "family"), "day": ("DATE", "last_day")},
        {"tasks": _TASKS},
    ),
    RunningTotal(
        "quest_outcomes",
        {"quest": ("INTEGER", "quest"), "reason": ("VARCHAR", "reason")},
        _JUDGED | {"usd": (DECIMAL, _sum("usd")), "tokens": ("HUGEINT", _sum("tokens"))},
    ),
    RunningTotal(
        "provider_outcomes",
        {"family": ("VARCHAR", "family")},
        _JUDGED | {"wasted_usd": (DECIMAL, _sum("wasted_usd"))},
    ),
)
RUNNING_TOTALS: Mapping[str, RunningTotal] = {total.name: total for total in _ALL}


class Growth:
    """By how many rows each total has grown since it was compacted last, as far as this process knows.

    ``changes`` are the rows by which totals have grown in the current transaction, by the names of the totals.
    """

    def __init__(self) -> None:
        self._appended = dict.fromkeys(RUNNING_TOTALS, 0)
        self.begin()

    def begin(self) -> None:
        """Begin a transaction."""
        self.changes: dict[str, list[Row]] = {name: [] for name in RUNNING_TOTALS}

    def append(self, connection: DuckDBPyConnection, name: str, rows: str) -> None:
        """Add rows of its source to a total, or take them away, by their ``sign``."""
        self._grow(connection, name, RUNNING_TOTALS[name].append(rows))

    def take_away(self, connection: DuckDBPyConnection, name: str, sums: str) -> None:
        """Take rows that have the columns of a total away from it."""
        total = RUNNING_TOTALS[name]
        columns = [*total.keys, *(f"-{each}" for each in total.sums)]
        self._grow(connection, name, f"INSERT INTO {name} SELECT {', '.join(columns)} {sums}")

    def _grow(self, connection: DuckDBPyConnection, name: str, statement: str) -> None:
        """Insert rows into a total, and compact it if it has grown much."""
        appended = connection.execute(f"{statement} RETURNING *").fetchall()
        self.changes[name] += appended
        self._appended[name] += len(appended)
        if self._appended[name] > MOST_APPENDED:
            connection.execute(RUNNING_TOTALS[name].compact())
            self._appended[name] = 0
