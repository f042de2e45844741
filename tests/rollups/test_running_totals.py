"""Totals that grow by what is added and taken away."""

from collections import Counter
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

import duckdb
import pytest
from duckdb import DuckDBPyConnection
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.rollups import running_totals
from exporter.rollups.running_totals import RUNNING_TOTALS, Growth, following
from exporter.rollups.schema import SCHEMA

Row = tuple[Any, ...]
SUMS = 6
"""The columns of a row after its day, quest and model."""
MONEY = st.decimals(-1000, 1000, places=15)
ROWS = st.tuples(
    st.sampled_from(["2026-05-13", "2026-05-14"]), st.integers(1, 2), st.integers(1, 2), st.integers(1, 9), st.integers(0, 9),
    MONEY, MONEY, st.integers(-(2**70), 2**70), st.integers(0, 9),
)  # fmt: skip


def source(rows: Iterable[Row]) -> str:
    """SQL of some rows of costs."""
    values = ", ".join("('{}', {}, {}, {}, {}, {:f}, {:f}, {}, {})".format(*row) for row in rows)
    columns = "day, quest, model_key, calls, unpriced, usd, credit_usd, input_tokens, output_tokens"
    return f"SELECT * REPLACE (day::DATE AS day) FROM (VALUES {values}) AS t ({columns})"


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
            for sign, changed in (("", added), ("-", rows[:taken])):
                if changed:
                    growth.append(connection, "costs", source(changed), sign)
            rows = rows[taken:] + added
            assert total(connection, "cost_days", 3) == naive(rows, slice(0, 3))
            assert total(connection, "cost_totals", 2) == naive(rows, slice(1, 3))


def test_a_total_is_compacted_when_it_has_grown_much(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running_totals, "MOST_APPENDED", 3)
    growth, row = Growth(), ("2026-05-14", 1, 1, 1, 0, Decimal("0.5"), 0, 0, 0)
    lengths = []
    with duckdb.connect() as connection:
        connection.execute(SCHEMA)
        for _ in range(6):
            growth.append(connection, "costs", source([row]))
            lengths += [count for (count,) in connection.execute("SELECT count(*) FROM cost_totals").fetchall()]
    assert lengths == [1, 2, 3, 1, 2, 3]


def test_a_total_is_exact_where_floats_are_not() -> None:
    growth, amounts = Growth(), [Decimal("0.1")] * 10 + [Decimal("1e15"), Decimal("1e-15")]
    with duckdb.connect() as connection:
        connection.execute(SCHEMA)
        for usd in amounts:
            growth.append(connection, "costs", source([("2026-05-14", 1, 1, 1, 0, usd, 0, 0, 0)]))
        growth.append(connection, "costs", source([("2026-05-14", 1, 1, 1, 0, Decimal("1e15"), 0, 0, 0)]), "-")
        assert total(connection, "cost_totals", 2)[1, 1][2] == Decimal("1.000000000000001")


@pytest.mark.parametrize(
    "table, totals",
    [
        ("costs", {"cost_days", "cost_totals"}),
        ("task_providers", {"provider_days"}),
        ("task_totals", {"quest_outcomes"}),
        ("task_credits", {"provider_outcomes"}),
        ("impacts", set()),
    ],
)
def test_each_total_follows_one_table(table: str, totals: set[str]) -> None:
    assert {each.name for each in following(table)} == totals
    assert Counter(each.source for each in RUNNING_TOTALS.values())[table] == len(totals)
