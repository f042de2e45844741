"""Changes to the rollup file are made as a whole, or not at all."""

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import duckdb
import pytest
from duckdb import DuckDBPyConnection

from exporter.rollups.changes import Advance
from tests.rollups.entries import TODAY, Entry, Store, at

LONG_AGO = date(2026, 1, 5)
TABLES = "SELECT table_name FROM duckdb_tables() WHERE NOT temporary ORDER BY ALL"


def entry(key: int = 1, day: date = TODAY, **columns: object) -> Entry:
    labels = {"task_id": "t", "quest_id": "q", "provider": "p", "model": "m", "usd": Decimal(2), "checksum": 7}
    return {"occurred_at": at(day, 60), "key": key, **labels, **columns}


def compact(store: Store) -> None:
    store.rollups.compact(TODAY)


Content = dict[str, list[tuple[Any, ...]]]


def content(store: Store) -> Content:
    """All rows of all tables of the file, and how far ledgers have been followed as the store remembers it."""
    remembered = {"remembered": [(store.rollups.state("costs"), store.rollups.state("impacts"))]}
    return remembered | {name: sorted(store.rows(f"FROM {name}"), key=repr) for (name,) in store.rows(TABLES)}


class Broken:
    """A connection on which one statement fails: the first after so many others. A COMMIT that fails ends the transaction."""

    def __init__(self, connection: DuckDBPyConnection, others: int) -> None:
        self._connection = connection
        self._left = others

    def execute(self, query: str, parameters: object = None) -> DuckDBPyConnection:
        self._left -= 1
        if self._left == -1:
            if query == "COMMIT":
                self._connection.execute("ROLLBACK")
            raise duckdb.IOException("the disk is full")
        return self._connection.execute(query, parameters)


CHANGES: dict[str, Callable[[Store], None]] = {
    "add calls": lambda store: store.apply("costs", [entry(2)], low=0),
    "replace calls": lambda store: store.apply("costs", [entry(3)], [(TODAY, 60)], low=0),
    "upsert outcomes": lambda store: store.apply("impacts", [entry(1, impact=Decimal(3)), entry(2)], low=0),
    "advance": lambda store: store.rollups.advance({"costs": Advance("further", low=1)}),
    "settle": lambda store: store.rollups.settle("costs", (TODAY + timedelta(days=1), 0), "settled"),
    "compact": compact,
    "begin": lambda store: store.rollups.begin("costs", "building"),
    "untimed": lambda store: store.rollups.untimed("costs", {"no_time": 1}),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_that_fails_anywhere_leaves_nothing(store: Store, change: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for ledger in ("costs", "impacts"):
        store.apply(ledger, [entry(), entry(9, LONG_AGO, task_id="old")], low=0)
    store.rollups.take_changes()
    before, statements = content(store), 0
    while fails(store, CHANGES[change], statements, monkeypatch):
        assert content(store) == before
        told = store.rollups.take_changes()
        assert told is not None
        assert not any(told.totals.values())
        statements += 1
    assert statements > 2
    after = content(store)
    assert after != before
    store.reopen()
    assert content(store) == after


def fails(store: Store, change: Callable[[Store], None], statements: int, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Whether a change fails when the statement after so many others does."""
    with monkeypatch.context() as patch:
        patch.setattr(store.rollups, "_connection", Broken(store.rollups.connection, statements))
        try:
            change(store)
        except duckdb.IOException:
            return True
    return False
