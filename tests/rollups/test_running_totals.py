"""Totals that grow by what is added and taken away."""

from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from typing import Any

import duckdb
import pytest
from duckdb import DuckDBPyConnection
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.rollups import running_totals
from exporter.rollups.running_totals import RUNNING_TOTALS, Growth
from exporter.rollups.schema import SCHEMA

Row = tuple[Any, ...]
SUMS = 7
"""The columns of a row after its day, quest and model."""
MONEY = st.decimals(-1000, 1000, places=15)
ROWS = st.tuples(
    st.sampled_from(["2026-05-13", "2026-05-14"]), st.integers(1, 2), st.integers(1, 2), st.integers(1, 9), st.integers(0, 9),
    st.integers(0, 9), MONEY, MONEY, st.integers(-(2**70), 2**70), st.integers(0, 9),
)  # fmt: skip


def source(rows: Iterable[Row], sign: int = 1) -> str:
    """SQL of some rows of costs, which are added, or with the sign -1 taken away."""
    values = ", ".join("('{}', {}, {}, {}, {}, {}, {:f}, {:f}, {}, {})".format(*row) for row in rows)
    columns = "day, quest, model_key, entries, calls, unpriced, usd, credit_usd, input_tokens, output_tokens"
    return f"SELECT {sign} AS sign, * REPLACE (day::DATE AS day) FROM (VALUES {values}) AS t ({columns})"


def naive(rows: Iterable[Row], keys: slice) -> dict[Row, Row]:
    """The sums by some of the first three columns."""
    found: dict[Row, Row] = {}
    for row in rows:
        before = found.get(row[:3][keys], (0,) * SUMS)
        found[row[:3][keys]] = tuple(a + b for a, b in zip(before, row[3:], strict=True))
    return found


def total(connection: DuckDBPyConnection, name: str, keys: int) -> dict[Row, Row]:
    rows = connection.execute(RUNNING_TOTALS[name].view).fetchall()
    found = {tuple(str(key) if not isinstance(key, int) else key for key in row[:keys]): tuple(row[keys:]) for row in rows}
    assert len(found) == len(rows)
    return found


@settings(max_examples=30)
@given(st.lists(st.tuples(st.lists(ROWS, max_size=4), st.integers(0, 4)), max_size=8), st.integers(0, 10))
def test_a_total_is_the_sum_of_what_was_added_and_not_taken_away(steps: list[tuple[list[Row], int]], most: int) -> None:
    rows: list[Row] = []
    growth = Growth()
    with duckdb.connect() as connection, pytest.MonkeyPatch.context() as patch:
        connection.execute(SCHEMA)
        patch.setattr(running_totals, "MOST_APPENDED", most)
        for added, taken in steps:
            for sign, changed in ((1, added), (-1, rows[:taken])):
                if changed:
                    growth.append(connection, "cost_days", source(changed, sign))
            rows = rows[taken:] + added
            assert total(connection, "cost_days", 3) == naive(rows, slice(0, 3))


def test_the_rows_are_told_by_which_a_total_has_grown() -> None:
    growth, row = Growth(), ("2026-05-14", 1, 1, 2, 2, 1, Decimal("0.5"), Decimal(-1), 3, 4)
    with duckdb.connect() as connection:
        connection.execute(SCHEMA)
        growth.append(connection, "cost_days", source([row, row]))
        growth.append(connection, "cost_days", source([row], -1))
        cell = date(2026, 5, 14), 1, 1
        changes = [(*cell, 4, 4, 2, 1, -2, 6, 8), (*cell, -2, -2, -1, Decimal("-0.5"), 1, -3, -4)]
        assert growth.changes == {name: [] for name in RUNNING_TOTALS} | {"cost_days": changes}
        growth.begin()
        assert not any(growth.changes.values())


def test_a_total_is_compacted_when_it_has_grown_much(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running_totals, "MOST_APPENDED", 3)
    growth, row = Growth(), ("2026-05-14", 1, 1, 1, 1, 0, Decimal("0.5"), 0, 0, 0)
    lengths = []
    with duckdb.connect() as connection:
        connection.execute(SCHEMA)
        for _ in range(6):
            growth.append(connection, "cost_days", source([row]))
            lengths += [count for (count,) in connection.execute("SELECT count(*) FROM cost_days").fetchall()]
    assert lengths == [1, 2, 3, 1, 2, 3]


def test_a_total_is_exact_where_floats_are_not() -> None:
    growth, amounts = Growth(), [Decimal("0.1")] * 10 + [Decimal("1e15"), Decimal("1e-15")]
    with duckdb.connect() as connection:
        connection.execute(SCHEMA)
        for usd in amounts:
            growth.append(connection, "cost_days", source([("2026-05-14", 1, 1, 1, 1, 0, usd, 0, 0, 0)]))
        growth.append(connection, "cost_days", source([("2026-05-14", 1, 1, 1, 1, 0, Decimal("1e15"), 0, 0, 0)], -1))
        assert total(connection, "cost_days", 3)["2026-05-14", 1, 1][3] == Decimal("1.000000000000001")
