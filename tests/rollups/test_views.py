"""What reports may read of the rollups."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from tests.rollups.entries import FIRST, Entry, Store, at

NEXT = FIRST + timedelta(days=1)


def call(key: int, minute: int, usd: str | None, **columns: Any) -> Entry:
    labels = {"task_id": "t1", "quest_id": "q1", "provider": "codex", "model": "m", "checksum": 0}
    money = None if usd is None else Decimal(usd)
    return {"occurred_at": at(FIRST, minute), "key": key, "usd": money, **labels, **columns}


def outcome(key: int, task: str, **columns: Any) -> Entry:
    return {"occurred_at": at(NEXT, key), "key": key, "task_id": task, "quest_id": "q1", "checksum": 0, **columns}


CALLS = [
    call(1, 0, "2", input_tokens=Decimal(5)),
    call(2, 59, "-0.5"),
    call(3, 60, None, output_tokens=Decimal(2)),
    call(4, 1440, "8", task_id="t2", provider="minimax"),
    call(5, 1440, "1", quest_id=None, task_id=None),
    call(6, 1440, None, rejection_reason="not_finite"),
]
OUTCOMES = [
    outcome(1, "t1", usd=Decimal(2), tokens=Decimal(2000), impact=Decimal("0.5")),
    outcome(2, "t2", usd=Decimal(4), tokens=Decimal(3000)),
    outcome(3, "t2", usd=Decimal(1), layer="Forge", title="Second"),
    outcome(4, "t3", impact=Decimal(7)),
    outcome(5, "t4", rejection_reason="not_finite"),
]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    found = Store(tmp_path_factory.mktemp("views"))
    found.begin("costs", "impacts")
    found.apply("costs", CALLS)
    found.apply("impacts", OUTCOMES)
    yield found
    found.rollups.close()


def test_daily_costs_are_by_day_quest_and_model(store: Store) -> None:
    sums = "sum(calls), sum(unpriced), sum(usd), sum(credit_usd), sum(input_tokens), sum(output_tokens)"
    named = "daily_costs JOIN quests USING (quest) JOIN models USING (model_key)"
    assert store.rows(f"SELECT day, quest_id, provider, {sums} FROM {named} GROUP BY ALL ORDER BY ALL") == [
        (FIRST, "q1", "codex", 3, 1, Decimal("1.5"), Decimal("-0.5"), 5, 2),
        (NEXT, "q1", "minimax", 1, 0, 8, 0, 0, 0),
        (NEXT, "unassigned", "codex", 1, 0, 1, 0, 0, 0),
    ]


def test_hourly_costs_leave_credits_out(store: Store) -> None:
    assert store.rows("FROM hourly_costs ORDER BY ALL") == [(FIRST, 0, 2), (FIRST, 1, 0), (NEXT, 0, 9)]


def test_outcomes_are_those_that_were_not_rejected(store: Store) -> None:
    query = "SELECT task_id, layer, title, day, usd, tokens, impact FROM outcomes JOIN tasks USING (task) ORDER BY latest"
    assert store.rows(query) == [
        ("t1", "", "", NEXT, 2, 2000, Decimal("0.5")),
        ("t2", "", "", NEXT, 4, 3000, None),
        ("t2", "Forge", "Second", NEXT, 1, None, None),
        ("t3", "", "", NEXT, None, None, 7),
    ]


def test_outcomes_of_a_quest_are_by_reason_of_waste(store: Store) -> None:
    found = store.rows("SELECT reason, tasks, scored, usd, tokens, impact FROM quest_outcome_totals ORDER BY reason")
    assert found == [("low_impact", 1, 1, 2, 2000, Decimal("0.5")), ("unscored", 1, 0, 5, 3000, 0), (None, 1, 1, 0, 0, 7)]


def test_outcomes_are_brought_to_providers(store: Store) -> None:
    found = store.rows("SELECT family, tasks, scored, impact, wasted_usd FROM provider_outcome_totals ORDER BY family")
    assert found == [("Codex", 1, 1, Decimal("0.5"), 2), ("MiniMax", 1, 0, 0, 5), ("unknown", 1, 1, 7, 0)]


def test_a_task_is_counted_on_the_last_day_that_it_called_a_provider(store: Store) -> None:
    assert store.rows("SELECT family, day, tasks FROM provider_last_days ORDER BY ALL") == [
        ("Codex", FIRST, 1),
        ("MiniMax", NEXT, 1),
    ]
