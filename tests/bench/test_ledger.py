"""The ledgers that are measured have the shape that they are said to have."""

import time
from datetime import UTC, datetime

import psycopg
import pytest

from bench.ledger import Shape, fill, live
from tests.end_to_end.process import DEADLINE

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
    "unscored": "count(*) FILTER (WHERE impact_score IS NULL) BETWEEN 8 AND 48 FROM impact_ledger",
}


@pytest.fixture
def ledger(vacant: str) -> str:
    """A small ledger up to now."""
    fill(vacant, SHAPE, datetime.now(UTC).timestamp())
    return vacant


def test_shape(ledger: str) -> None:
    with psycopg.connect(ledger) as connection:
        facts = {name: connection.execute(f"SELECT {fact}".encode()).fetchone() for name, fact in FACTS.items()}
    assert facts == dict.fromkeys(FACTS, (True,))


def test_the_writer_writes_calls_and_judgements(ledger: str) -> None:
    with psycopg.connect(ledger, autocommit=True) as connection, live(ledger, rate=86_400 * 100):
        deadline = time.monotonic() + DEADLINE
        while connection.execute("SELECT count(*) FROM impact_ledger WHERE task_id LIKE 'live-%'").fetchone() == (0,):
            assert time.monotonic() < deadline, "the writer has judged no task"
        calls = connection.execute("SELECT count(*) FROM cost_ledger WHERE task_id LIKE 'live-%'").fetchone()
    assert calls
    assert calls[0] >= 10


def test_a_writer_that_fails_is_not_overlooked(postgres: str) -> None:
    with pytest.raises(psycopg.errors.UndefinedTable), live(postgres, rate=86_400 * 100) as writer:
        writer.exception()
