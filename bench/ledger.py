"""Ledgers of a realistic shape, loaded by PostgreSQL itself."""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psycopg

import exporter.demo
from bench.writers import SECONDS_PER_DAY

SCHEMA: Final = Path(exporter.demo.__file__).with_name("schema.sql")
LOADING: Final = Path(__file__).with_name("loading")
BATCH: Final = 5_000_000
"""Calls that are loaded at once."""
CALLS_PER_TASK: Final = 10
BLOCKS_PER_DAY: Final = 8


@dataclass(frozen=True, slots=True)
class Shape:
    """How long a ledger is, which may be a part of a day, and how many calls it has on a whole day."""

    days: float
    rate: int

    @property
    def rows(self) -> int:
        """All calls."""
        return int(self.days * self.rate)

    @property
    def tasks(self) -> int:
        """Tasks that are under way at the same time."""
        return max(1, self.rate // CALLS_PER_TASK // BLOCKS_PER_DAY)


def fill(conninfo: str, shape: Shape, now: float, tell: Callable[[int], None] = lambda _: None) -> None:
    """Load a ledger that ends at ``now``, in Unix time, into an empty database, in the order of time.

    It is loaded in batches, so that the temporary files of PostgreSQL stay small; ``tell`` is called with the calls so far.
    """
    values = {
        "days": math.ceil(shape.days),
        "rate": shape.rate,
        "rows": shape.rows,
        "tasks": shape.tasks,
        "end": repr(_even(now / SECONDS_PER_DAY)),
    }
    with psycopg.connect(conninfo, autocommit=True) as connection:
        connection.execute(SCHEMA.read_bytes())
        _run(connection, "prepare", **values)
        for first in range(0, shape.rows, BATCH):
            tell(first)
            _run(connection, "calls", **values, first=first, last=min(first + BATCH, shape.rows) - 1)
        connection.execute("ANALYZE cost_ledger")
        tasks = shape.rows // CALLS_PER_TASK
        for start in range(0, tasks, BATCH // CALLS_PER_TASK):
            _run(connection, "impacts", **values, start=start, stop=min(start + BATCH // CALLS_PER_TASK, tasks))
        _run(connection, "finish", **values)
        connection.execute("VACUUM ANALYZE")


def _run(connection: psycopg.Connection, name: str, **values: object) -> None:
    """Run a file of statements; ``:days`` in it stands for the value of that name."""
    statements = (LOADING / f"{name}.sql").read_text(encoding="utf-8")
    connection.execute(re.sub(r"(?<!:):([a-z]+)", lambda found: str(values[found[1]]), statements).encode())


def _even(day: float) -> float:
    """The place on the stretch of even days at which a call falls on this moment: the inverse of ``pg_temp.at``."""
    low, high = day - 0.5, day + 0.5
    for _ in range(60):
        middle = (low + high) / 2
        early = middle + 0.5 * math.sin(2 * math.pi * middle) / (2 * math.pi) < day
        low, high = (middle, high) if early else (low, middle)
    return low


def use_text_ids(conninfo: str) -> None:
    """Give all entries uuids as text for ids, old and new, and the index by which such a ledger is read."""
    with psycopg.connect(conninfo, autocommit=True) as connection:
        _run(connection, "text_ids")
        connection.execute("VACUUM ANALYZE")
