"""The properties of the demo's ledgers, checked with plain SQL."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from psycopg import AsyncConnection, Connection
from psycopg.conninfo import make_conninfo
from psycopg.rows import TupleRow

from exporter.demo import History, ledgers, live, prepare
from exporter.demo.postgres import Server
from tests.demo.conftest import NOW

TABLES = ("quests", "quest_budget_allocations", "quest_budgets", "cost_ledger", "impact_ledger")
SPENT = "SELECT quest_id, sum(allocated_usd), sum(spent_usd) FROM quest_budget_allocations GROUP BY quest_id"


@pytest.fixture
def ledger(server: Server, history: History) -> Iterator[Connection[TupleRow]]:
    with psycopg.connect(server.conninfo(), autocommit=True) as connection:
        connection.execute("SET default_transaction_read_only = on")
        yield connection


@contextmanager
def _database(server: Server, name: str, template: str = "template0") -> Iterator[str]:
    with psycopg.connect(server.conninfo("template1"), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}".encode())
        yield make_conninfo(server.conninfo(), dbname=name)
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


def _value(ledger: Connection[TupleRow], query: str) -> Any:  # noqa: ANN401 - of whatever type the query asks for
    [(value,)] = ledger.execute(query.encode()).fetchall()
    return value


def _column(ledger: Connection[TupleRow], query: str) -> list[Any]:
    return [value for (value,) in ledger.execute(query.encode())]


def _digests(conninfo: str) -> list[str]:
    with psycopg.connect(conninfo) as connection:
        query = "SELECT md5(string_agg(line, E'\\n' ORDER BY line)) FROM (SELECT t::text AS line FROM {} AS t) AS lines"
        return [_value(connection, query.format(table)) for table in TABLES]


def test_same_seed_and_clock_write_the_same_rows_and_every_day_is_reported(server: Server, history: History) -> None:
    told: list[tuple[int, int]] = []
    with _database(server, "again") as again:
        assert asyncio.run(prepare(again, NOW, report=lambda done, days: told.append((done, days)))) == history
        assert _digests(again) == _digests(server.conninfo())
    assert told == [(done, 46) for done in range(1, 47)]


def test_history_has_the_number_of_rows_written(ledger: Connection[TupleRow], history: History) -> None:
    assert history.calls == _value(ledger, "SELECT count(*) FROM cost_ledger")
    assert history.tasks == _value(ledger, "SELECT count(*) FROM impact_ledger")
    assert history.days == 46


def test_size_is_that_of_a_busy_fleet(ledger: Connection[TupleRow]) -> None:
    assert 150_000 <= _value(ledger, "SELECT count(*) FROM cost_ledger") <= 200_000
    assert 3_000 <= _value(ledger, "SELECT count(*) FROM cost_ledger WHERE created_at < '2026-03-18'") / 45 <= 4_000
    assert 200 <= _value(ledger, "SELECT sum(cost_usd) FROM cost_ledger WHERE created_at < '2026-03-18'") / 45 <= 500


def test_nothing_is_later_than_now(ledger: Connection[TupleRow]) -> None:
    assert NOW - timedelta(minutes=5) < _value(ledger, "SELECT max(created_at) FROM cost_ledger") < NOW
    assert NOW - timedelta(minutes=30) < _value(ledger, "SELECT max(updated_at) FROM impact_ledger") < NOW
    assert _value(ledger, "SELECT max(day) FROM quest_budget_allocations") == date(2026, 3, 18)


def test_rows_are_in_order_of_time(ledger: Connection[TupleRow]) -> None:
    behind = "SELECT count(*) FROM (SELECT created_at < lag(created_at) OVER (ORDER BY id) AS late FROM {}) AS rows WHERE late"
    assert _value(ledger, behind.format("cost_ledger")) == 0
    assert _value(ledger, behind.format("impact_ledger")) == 0


def test_twelve_quests_over_five_layers(ledger: Connection[TupleRow]) -> None:
    layers = ledger.execute("SELECT layer, count(*) FROM quests GROUP BY layer ORDER BY layer").fetchall()
    assert layers == [("Agora", 2), ("Atlas", 3), ("Exchange", 2), ("Forge", 3), ("Senate", 2)]
    assert (
        _value(ledger, "SELECT count(*) FROM impact_ledger AS i JOIN quests AS q ON q.id = quest_id WHERE i.layer <> q.layer")
        == 0
    )


def test_providers_are_spelled_as_ledgers_spell_them(ledger: Connection[TupleRow]) -> None:
    assert set(_column(ledger, "SELECT DISTINCT provider FROM cost_ledger")) == {
        *("minimax", "max", "openai-codex", "bedrock", "aws-bedrock", "zhipu", "z.ai", "openrouter")
    }
    routed = _column(ledger, "SELECT DISTINCT model FROM cost_ledger WHERE provider = 'openrouter' ORDER BY model")
    assert routed == ["deepseek/deepseek-v3.1", "z-ai/glm-4.6"]


def test_two_quests_overspend_and_some_of_the_others_are_near_their_budgets(ledger: Connection[TupleRow]) -> None:
    shares = {quest: spent / allocated for quest, allocated, spent in ledger.execute(SPENT)}
    assert len(shares) == 11
    assert shares.pop("knowledge-graph") > Decimal("1.2")
    assert shares.pop("replication-market") > 1
    assert shares.pop("trial-atlas") < Decimal("0.1")
    assert all(Decimal("0.1") < share < 1 for share in shares.values())
    assert 2 <= sum(share > Decimal("0.8") for share in shares.values()) <= 5


def test_one_quest_is_idle_for_weeks_and_keeps_its_allocation(ledger: Connection[TupleRow]) -> None:
    spend = "SELECT coalesce(sum(cost_usd), 0) FROM cost_ledger WHERE quest_id = 'trial-atlas' AND created_at {} '2026-02-21'"
    assert _value(ledger, spend.format("<")) > 20
    assert _value(ledger, spend.format(">=")) == 0
    assert _value(ledger, "SELECT count(*) FROM quest_budget_allocations WHERE quest_id = 'trial-atlas'") == 46


def test_one_quest_has_no_budget(ledger: Connection[TupleRow]) -> None:
    without = "SELECT id FROM quests EXCEPT SELECT quest_id FROM quest_budget_allocations"
    assert _column(ledger, without) == ["simulation-bench"]
    assert _value(ledger, "SELECT sum(cost_usd) FROM cost_ledger WHERE quest_id = 'simulation-bench'") > 100


def test_every_day_has_plausible_allocations(ledger: Connection[TupleRow]) -> None:
    assert _column(ledger, "SELECT DISTINCT count(*) FROM quest_budget_allocations GROUP BY quest_id") == [46]
    assert _value(ledger, "SELECT min(allocated_usd) FROM quest_budget_allocations") >= 15
    assert _value(ledger, "SELECT max(allocated_usd) FROM quest_budget_allocations") <= 70


def test_reported_spend_is_close_to_the_calls_but_not_always_equal(ledger: Connection[TupleRow]) -> None:
    query = """
        SELECT a.spent_usd, round(sum(c.cost_usd), 2)
        FROM quest_budget_allocations AS a
        JOIN cost_ledger AS c ON c.quest_id = a.quest_id AND (c.created_at AT TIME ZONE 'UTC')::date = a.day
        WHERE a.day < '2026-03-18'
        GROUP BY a.quest_id, a.day, a.spent_usd
    """
    pairs = ledger.execute(query).fetchall()
    equal = sum(reported == spent for reported, spent in pairs)
    assert 0.2 * len(pairs) < equal < 0.9 * len(pairs)
    assert all(abs(reported - spent) < 5 for reported, spent in pairs)


def test_budgets_of_longer_periods_are_written_when_they_begin(ledger: Connection[TupleRow]) -> None:
    periods = "SELECT DISTINCT ends_on - starts_on + 1 FROM quest_budgets WHERE '2026-03-18' BETWEEN starts_on AND ends_on"
    assert set(_column(ledger, periods)) == {7, 31, 90}
    assert _value(ledger, "SELECT max(starts_on) FROM quest_budgets") == date(2026, 3, 16)
    assert _value(ledger, "SELECT count(*) - count(DISTINCT (quest_id, starts_on)) FROM quest_budgets") == 0
    assert _value(ledger, "SELECT count(*) FROM quest_budgets WHERE quest_id = 'simulation-bench'") == 0


def test_wasted_tasks_are_five_to_ten_percent(ledger: Connection[TupleRow]) -> None:
    wasted = "total_tokens > 1000 AND (impact_score IS NULL OR impact_score <= 0.5)"
    query = f"SELECT count(*) FILTER (WHERE {wasted}) * 100.0 / count(*) FROM impact_ledger"
    assert 5 <= _value(ledger, query) <= 10
    assert 5 <= _value(ledger, f"{query} WHERE created_at >= '2026-03-12'") <= 10
    unscored = "SELECT count(*) FILTER (WHERE impact_score IS NULL) * 100.0 / count(*) FROM impact_ledger"
    assert 0 < _value(ledger, unscored) < 2


def test_some_scores_arrive_late(ledger: Connection[TupleRow]) -> None:
    late = "SELECT count(*) FROM impact_ledger WHERE updated_at > created_at AND impact_score IS {} NULL"
    assert _value(ledger, late.format("NOT")) > 300
    assert _value(ledger, late.format("")) == 0
    assert _value(ledger, "SELECT count(*) FROM impact_ledger WHERE updated_at < created_at") == 0


def test_impacts_cost_what_their_calls_cost(ledger: Connection[TupleRow]) -> None:
    query = """
        SELECT count(*)
        FROM impact_ledger AS impact
        LEFT JOIN (
            SELECT task_id, sum(cost_usd) AS usd, sum(input_tokens + output_tokens) AS tokens, max(created_at) AS last
            FROM cost_ledger GROUP BY task_id
        ) AS calls USING (task_id)
        WHERE (impact.cost_usd, impact.total_tokens) IS DISTINCT FROM (calls.usd, calls.tokens) OR last > impact.created_at
    """
    assert _value(ledger, query) == 0


def test_tasks_are_some_calls_within_hours(ledger: Connection[TupleRow]) -> None:
    query = """
        SELECT min(calls), max(calls), max(span) < interval '6 hours'
        FROM (
            SELECT task_id, count(*) AS calls, max(created_at) - min(created_at) AS span FROM cost_ledger GROUP BY task_id
        ) AS tasks JOIN impact_ledger USING (task_id)
    """
    assert ledger.execute(query.encode()).fetchall() == [(5, 15, True)]


def test_a_few_calls_are_credits_and_a_few_have_no_price_yet(ledger: Connection[TupleRow]) -> None:
    assert 10 <= _value(ledger, "SELECT count(*) FROM cost_ledger WHERE cost_usd < 0") <= 46
    assert 50 <= _value(ledger, "SELECT count(*) FROM cost_ledger WHERE cost_usd IS NULL") <= 500


def test_fleet_rests_at_night_and_on_weekends(ledger: Connection[TupleRow]) -> None:
    calls = "SELECT count(*) FROM cost_ledger WHERE extract({} FROM created_at) BETWEEN {} AND {}"
    assert _value(ledger, calls.format("hour", 14, 16)) > 2 * _value(ledger, calls.format("hour", 2, 4))
    saturdays, wednesdays = (_value(ledger, calls.format("isodow", day, day)) for day in (6, 3))
    assert saturdays < 0.75 * wednesdays


async def test_live_events_continue_the_history(server: Server, history: History) -> None:
    with _database(server, "continued", template="postgres") as conninfo:
        async with await AsyncConnection.connect(conninfo, autocommit=True) as connection:
            for second in range(60):
                after = NOW + timedelta(seconds=second)
                await ledgers.advance(connection, history.fleet, after, after + timedelta(seconds=1))
        with psycopg.connect(conninfo) as connection:
            assert _value(connection, "SELECT count(*) FROM cost_ledger") > history.calls + 5
            assert _value(connection, "SELECT max(created_at) FROM cost_ledger") < NOW + timedelta(minutes=1)


async def test_a_live_fleet_judges_tasks_scores_some_late_and_opens_a_new_day(server: Server, history: History) -> None:
    with _database(server, "tomorrow", template="postgres") as conninfo:
        async with await AsyncConnection.connect(conninfo, autocommit=True) as connection:
            await ledgers.advance(connection, history.fleet, NOW, NOW + timedelta(hours=12))
        with psycopg.connect(conninfo) as connection:
            assert _value(connection, "SELECT count(*) FROM impact_ledger") > history.tasks + 100
            rescored = "SELECT count(*) FROM impact_ledger WHERE created_at < '{0}' AND updated_at >= '{0}'"
            assert _value(connection, rescored.format(NOW)) > 0
            assert _value(connection, "SELECT count(*) FROM quest_budget_allocations WHERE day = '2026-03-19'") == 11
            booked = "SELECT sum(spent_usd) FROM quest_budget_allocations WHERE day = '2026-03-19'"
            assert _value(connection, booked) > 0


async def test_live_writes_until_it_is_cancelled(server: Server, history: History, monkeypatch: pytest.MonkeyPatch) -> None:
    """The clock advances ten minutes at each call, goes back once, and the fourth call is the last."""
    monkeypatch.setattr(ledgers, "STEP", timedelta(0))
    looks = iter([NOW + timedelta(minutes=minutes) for minutes in (10, 20, 15, 30)])

    def clock() -> datetime:
        now = next(looks)
        if now == NOW + timedelta(minutes=30):
            task.cancel()
        return now

    with _database(server, "living", template="postgres") as conninfo:
        task = asyncio.create_task(live(conninfo, history.fleet, clock))
        with pytest.raises(asyncio.CancelledError):
            await task
        with psycopg.connect(conninfo) as connection:
            newest = _value(connection, "SELECT max(created_at) FROM cost_ledger")
            assert NOW + timedelta(minutes=19) < newest < NOW + timedelta(minutes=20)
            repeated = "SELECT count(*) - count(DISTINCT (task_id, created_at)) FROM cost_ledger WHERE task_id IS NOT NULL"
            assert _value(connection, repeated) == 0
