"""The columns of entries, from which statements, tables and sums are generated."""

import duckdb
import pytest

from exporter.columns import COST_SUMS, ENTRIES, Kind, listed
from exporter.config import LEDGERS
from exporter.rollups.schema import SCHEMA
from exporter.rollups.staging import COLUMNS


def test_columns_are_told_by_kind() -> None:
    assert ENTRIES["costs"].names(Kind.ID) == ("task_id", "quest_id")
    assert ENTRIES["costs"].names(Kind.AMOUNT, Kind.COUNT) == ("cost_usd", "input_tokens", "output_tokens", "calls")
    assert ENTRIES["impacts"].names(Kind.AMOUNT, Kind.COUNT) == ("cost_usd", "total_tokens", "impact_score")
    assert ENTRIES["impacts"].names(Kind.TEXT) == ("layer", "task")


def test_versions_differ_in_their_order_where_that_matters() -> None:
    assert ENTRIES["impacts"].compared[:3] == ("occurred_at", "entry_id", "task_id")
    assert ENTRIES["costs"].compared == tuple(column.name for column in ENTRIES["costs"].columns)


def test_sums_are_listed_in_any_form() -> None:
    assert listed(COST_SUMS[:2]) == "entries, calls"
    assert listed(COST_SUMS[:2], "{name} {type}") == "entries BIGINT, calls HUGEINT"
    assert listed(COST_SUMS[:2], "{expression}") == "count(*), sum(coalesce(calls, 1))"
    assert listed([]) == ""


@pytest.mark.parametrize("ledger", ENTRIES)
def test_a_ledger_has_the_columns_that_are_read_and_checked(ledger: str) -> None:
    assert {column.name for column in ENTRIES[ledger].columns} | {"entry_id", "occurred_at"} <= {*LEDGERS[ledger].columns}
    assert ENTRIES[ledger].required in {None, *LEDGERS[ledger].columns}


@pytest.mark.parametrize("table, keys", [("costs", 5), ("cost_days", 3)])
def test_each_table_of_costs_has_all_sums(table: str, keys: int) -> None:
    with duckdb.connect() as connection:
        connection.execute(SCHEMA)
        found = [name for name, *_ in connection.execute(f"DESCRIBE {table}").fetchall()]
    assert found[keys:] == ["entries", "calls", "unpriced", "usd", "credit_usd", "input_tokens", "output_tokens"]


def test_files_have_the_columns_in_the_order_of_the_statements() -> None:
    entry = ["occurred_at", "rejection_reason", "checksum", "key", "name", "task_id", "quest_id"]
    assert [*COLUMNS["costs"]] == [*entry, "provider", "model", "usd", "input_tokens", "output_tokens", "calls"]
    assert [*COLUMNS["impacts"]] == [*entry, "layer", "title", "usd", "tokens", "impact"]
