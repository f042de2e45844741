"""The ledgers that are measured have the shape that they are said to have."""

from datetime import UTC, datetime

import psycopg
import pytest

from bench import ledger as ledgers
from bench.ledger import Shape, fill

SHAPE = Shape(days=10, rate=800)
FACTS = {
    "calls": "count(*) = 8000 FROM cost_ledger",
    "tasks": "count(DISTINCT task_id) BETWEEN 790 AND 810 FROM cost_ledger",
    "models": "count(DISTINCT model) = 36 FROM cost_ledger",
    "end": "max(created_at) BETWEEN now() - interval '1 hour' AND now() FROM cost_ledger",
    "beginning": "min(created_at) - now() BETWEEN interval '-10.5 days' AND interval '-9.5 days' FROM cost_ledger",
    "order": "bool_and(created_at >= before) FROM"
    " (SELECT created_at, lag(created_at) OVER (ORDER BY id) AS before FROM cost_ledger) AS pairs",
    "spans": "max(span) < interval '6 hours' FROM"
    " (SELECT max(created_at) - min(created_at) AS span FROM cost_ledger GROUP BY task_id) AS tasks",
    "judged once": "count(*) = count(DISTINCT task_id) FROM impact_ledger",
    "judged late": "count(*) = 0 FROM impact_ledger WHERE task_id >= 'task-000000800' OR created_at > now()",
    "judged in full": "bool_and(total_tokens = tokens AND i.cost_usd = c.cost_usd) AND count(*) > 700"
    " FROM impact_ledger AS i JOIN (SELECT task_id, sum(input_tokens + output_tokens) AS tokens, sum(cost_usd) AS cost_usd"
    " FROM cost_ledger GROUP BY task_id) AS c USING (task_id)",
    "unscored": "count(*) FILTER (WHERE impact_score IS NULL) BETWEEN 8 AND 48 FROM impact_ledger",
}


@pytest.fixture(params=[ledgers.BATCH, 1500], ids=["at once", "in batches"])
def ledger(vacant: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """A small ledger up to now."""
    monkeypatch.setattr(ledgers, "BATCH", request.param)
    fill(vacant, SHAPE, datetime.now(UTC).timestamp())
    return vacant


def test_shape(ledger: str) -> None:
    with psycopg.connect(ledger) as connection:
        facts = {name: connection.execute(f"SELECT {fact}".encode()).fetchone() for name, fact in FACTS.items()}
    assert facts == dict.fromkeys(FACTS, (True,))


def test_a_ledger_may_be_a_part_of_a_day(vacant: str) -> None:
    told: list[int] = []
    fill(vacant, Shape(days=0.25, rate=800), datetime.now(UTC).timestamp(), told.append)
    with psycopg.connect(vacant) as connection:
        found = connection.execute("SELECT count(*), max(created_at) - min(created_at) < interval '12 hours' FROM cost_ledger")
        assert found.fetchall() == [(200, True)]
    assert told == [0]
