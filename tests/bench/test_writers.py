"""The writers change what they say they change, and count it."""

from collections.abc import Callable
from datetime import UTC, datetime

import psycopg
import pytest

from bench.ledger import Shape, fill
from bench.writers import Stream, calls, corrections, deletions, late_scores, writing
from tests.waiting import until

# What a row was before, its age, and what it is now; a row that was deleted is none.
_CHANGES = """
SELECT count(*), coalesce(bool_and(before.created_at >= now() - interval '{age} 1 minute'), true)
  FROM {table}_before AS before LEFT JOIN {table} AS after USING (id)
 WHERE to_jsonb(before) IS DISTINCT FROM to_jsonb(after)
"""


@pytest.fixture
def ledger(vacant: str) -> str:
    """A ledger of 20 days, and a copy of it as it was."""
    fill(vacant, Shape(days=20, rate=500), datetime.now(UTC).timestamp())
    with psycopg.connect(vacant) as connection:
        for table in ("cost_ledger", "impact_ledger"):
            connection.execute(f"CREATE TABLE {table}_before AS TABLE {table}".encode())
    return vacant


def _write_until(conninfo: str, stream: Stream, enough: Callable[[int], bool]) -> int:
    with writing(conninfo, stream) as written:
        until(lambda: enough(written.rows), lambda: f"only {written.rows} rows were written")
    return written.rows


def test_calls_are_inserted_with_a_judgement_for_every_ten(ledger: str) -> None:
    rows = sum(_write_until(ledger, calls(86_400 * 100), lambda written: written >= 20) for _ in range(2))
    with psycopg.connect(ledger) as connection:
        found = connection.execute(
            "SELECT (SELECT count(*) FROM cost_ledger WHERE task_id LIKE 'live-%'),"
            " (SELECT count(*) FROM impact_ledger WHERE task_id LIKE 'live-%'),"
            " (SELECT count(DISTINCT task_id) FROM impact_ledger WHERE task_id LIKE 'live-%')"
        ).fetchone()
    assert found
    written, judged, tasks = found
    assert written + judged == rows
    assert judged == tasks
    assert abs(judged - written / 10) < 2  # each writer begins and ends in the middle of a task


@pytest.mark.parametrize(
    "stream, table, age",
    [
        (late_scores(100), "impact_ledger", "14 days"),
        (corrections(100), "cost_ledger", "1 day"),
        (deletions(100), "cost_ledger", "1 day"),
    ],
    ids=["late scores", "corrections", "deletions"],
)
def test_what_is_changed_is_young_enough_and_counted(ledger: str, stream: Stream, table: str, age: str) -> None:
    rows = _write_until(ledger, stream, lambda written: written >= 10)
    with psycopg.connect(ledger) as connection:
        found = connection.execute(_CHANGES.format(age=age, table=table).encode()).fetchone()
    assert found
    different, young = found
    assert young
    assert 10 <= different <= rows  # a row may have been drawn twice


def test_a_late_score_is_told_by_its_time_of_change(ledger: str) -> None:
    _write_until(ledger, late_scores(100), lambda written: written >= 10)
    with psycopg.connect(ledger) as connection:
        silent = connection.execute(
            "SELECT count(*) FROM impact_ledger_before AS before JOIN impact_ledger AS after USING (id)"
            " WHERE before.impact_score IS DISTINCT FROM after.impact_score AND before.updated_at = after.updated_at"
        ).fetchone()
    assert silent == (0,)


def test_a_writer_that_fails_is_not_overlooked(postgres: str) -> None:
    with pytest.raises(psycopg.errors.UndefinedTable), writing(postgres, calls(86_400 * 100)) as written:
        written.work.exception()
