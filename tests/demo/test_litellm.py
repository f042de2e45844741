"""The demo's LiteLLM database: what its log holds, checked with plain SQL, and what the exporter shows of it."""

import asyncio
import os
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import AsyncConnection
from psycopg.conninfo import make_conninfo

from exporter.config import parse
from exporter.demo import PROFILES, History, config_text, ledgers, prepare
from exporter.demo.litellm import GONE, IDLE, LITELLM, SESSIONLESS
from exporter.demo.postgres import Server
from exporter.sections import available
from tests.integration.running import Clock, running

NOW = datetime.now(UTC).replace(hour=14, minute=25, second=7, microsecond=0)
LOG = 'SELECT {} FROM "LiteLLM_SpendLogs" WHERE {}'


@pytest.fixture(scope="module")
def proxy(server: Server) -> Iterator[str]:
    """The connection string of a database with the history. It is a template: do not write to it."""
    with psycopg.connect(server.conninfo("template1"), autocommit=True) as connection:
        connection.execute("CREATE DATABASE proxy TEMPLATE template0")
        yield make_conninfo(server.conninfo(), dbname="proxy")
        connection.execute("DROP DATABASE proxy WITH (FORCE)")


@pytest.fixture(scope="module")
def history(proxy: str) -> History:
    return asyncio.run(prepare(proxy, NOW, tables=LITELLM))


@pytest.fixture
def copied(server: Server, proxy: str, history: History) -> Iterator[str]:
    """A copy of the history that a test may change."""
    with psycopg.connect(server.conninfo("template1"), autocommit=True) as connection:
        connection.execute("CREATE DATABASE copied TEMPLATE proxy")
        yield make_conninfo(server.conninfo(), dbname="copied")
        connection.execute("DROP DATABASE copied WITH (FORCE)")


def asked(conninfo: str, query: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(conninfo) as connection:
        return connection.execute(query.encode()).fetchall()


def value(conninfo: str, query: str) -> Any:  # noqa: ANN401 - of whatever type the query asks for
    return asked(conninfo, query)[0][0]


def test_history_has_two_months_and_the_number_of_rows_written(proxy: str, history: History) -> None:
    assert history.days == 63
    assert history.calls == value(proxy, LOG.format("count(*)", "true")) > 200_000
    assert history.tasks == value(proxy, "SELECT count(*) FROM scores") > 10_000
    assert value(proxy, LOG.format('max("endTime")', "true")) < NOW.replace(tzinfo=None)


def test_failures_and_cache_hits_cost_nothing(proxy: str, history: History) -> None:
    failed = value(proxy, LOG.format("count(*)", """status = 'failure' AND total_tokens = 0 AND "startTime" = "endTime" """))
    cached = value(proxy, LOG.format("count(*)", "cache_hit = 'True' AND request_id ~ '_cache_hit[0-9.]+$'"))
    assert 0.01 < failed / history.calls < 0.03
    assert 0.03 < cached / history.calls < 0.06
    assert value(proxy, LOG.format("count(*)", "spend > 0 AND (status = 'failure' OR cache_hit = 'True')")) == 0


def test_only_old_rows_have_no_session_and_no_state(proxy: str, history: History) -> None:
    newest = value(proxy, LOG.format('max("endTime")', "session_id IS NULL OR status IS NULL OR team_id IS NULL"))
    assert history.fleet.start.replace(tzinfo=None) < newest < (history.fleet.start + timedelta(days=12)).replace(tzinfo=None)
    assert value(proxy, LOG.format("count(*)", "team_id = ''")) > 1_000


def test_teams_without_session_ids_have_one_for_each_request(proxy: str, history: History) -> None:
    listed = ", ".join(f"'{team}'" for team in SESSIONLESS)
    counts = LOG.format("count(*), count(DISTINCT session_id)", f"team_id IN ({listed}) AND session_id IS NOT NULL")
    requests, sessions = asked(proxy, counts)[0]
    assert requests == sessions > 1_000


def test_some_calls_take_20_to_50_minutes(proxy: str, history: History) -> None:
    taken = LOG.format("""count(*), max("endTime" - "startTime")""", """"endTime" - "startTime" > interval '10 minutes'""")
    count, longest = asked(proxy, taken)[0]
    assert count > 200
    assert timedelta(minutes=45) < longest <= timedelta(minutes=50)


def test_one_team_was_deleted_after_its_last_call(proxy: str, history: History) -> None:
    assert asked(proxy, 'SELECT team_id, team_alias FROM "LiteLLM_DeletedTeamTable"') == [(GONE, "Clinical Trial Atlas")]
    assert value(proxy, f"""SELECT count(*) FROM "LiteLLM_TeamTable" WHERE team_id = '{GONE}'""") == 0
    assert value(proxy, LOG.format("count(*)", f"team_id = '{GONE}'")) > 100


def test_budgets_of_all_periods_were_reset_in_time(proxy: str, history: History) -> None:
    teams = asked(
        proxy, 'SELECT team_id, budget_duration, budget_reset_at FROM "LiteLLM_TeamTable" WHERE budget_reset_at IS NOT NULL'
    )
    assert {duration for _, duration, _ in teams} == {"30d", "1mo", "7d", "1d", "24h", "2w", "45d"}
    assert all(NOW.replace(tzinfo=None) < reset <= NOW.replace(tzinfo=None) + timedelta(days=45) for _, _, reset in teams)
    assert {reset.day for _, duration, reset in teams if duration in ("30d", "1mo")} == {1}
    assert {reset.weekday() for _, duration, reset in teams if duration == "7d"} == {0}


@pytest.mark.parametrize("duration, first", [("30d", NOW.date().replace(day=1)), ("24h", NOW.date())])
def test_the_proxys_own_spend_is_that_of_its_period(proxy: str, history: History, duration: str, first: date) -> None:
    query = f"""SELECT team_id, min(t.spend), sum(l.spend)
                  FROM "LiteLLM_TeamTable" AS t JOIN "LiteLLM_SpendLogs" AS l USING (team_id)
                 WHERE budget_duration = '{duration}' AND "endTime" >= '{first}' GROUP BY 1"""
    found = asked(proxy, query)
    assert found
    for _, told, logged in found:
        assert told == pytest.approx(logged)


async def test_live_calls_continue_the_history_and_scores_follow(copied: str, history: History) -> None:
    async with await AsyncConnection.connect(copied, autocommit=True) as connection:
        for minute in range(30):
            after = NOW + timedelta(minutes=minute)
            await ledgers.advance(connection, history.fleet, after, after + timedelta(minutes=1), LITELLM)
        await ledgers.advance(connection, history.fleet, after + timedelta(minutes=1), NOW + timedelta(hours=20), LITELLM)
    assert value(copied, LOG.format("count(*)", "true")) > history.calls + 100
    assert value(copied, "SELECT count(*) FROM scores") > history.tasks
    rescored = f"SELECT count(*) FROM scores WHERE judged_at < '{NOW}' AND updated_at >= '{NOW}' AND score IS NOT NULL"
    assert value(copied, rescored) > 0
    late = LOG.format("count(*)", f"""request_id NOT LIKE '%hit%' AND "endTime" >= '{NOW}' AND "startTime" < '{NOW}'""")
    assert value(copied, late) > 0


async def test_everything_is_shown_of_it(proxy: str, history: History, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(os.environ, "DEMO_DSN", proxy)
    config = parse(config_text("DEMO_DSN", tmp_path / "rollups", "litellm"), "demo.yml")
    assert config.profile == "litellm"
    async with running(config, Clock(NOW)) as exporter:
        await exporter.refresh(2)
        samples = exporter.samples()
    assert samples.keys() == {metric.name for metric in available(config.ledgers)}
    assert sum(samples["resource_calls"].values()) == history.calls
    held = {(dict(key)["quest_id"], dict(key)["period"]) for key in samples["resource_quest_budget_usd"]}
    assert {"month", "week", "day", "14d", "45d", "open"} == {period for _, period in held}
    assert {team for team, *_ in IDLE} - {team for team, _ in held} == {"batch"}
    spent = samples["resource_quest_budget_spend_usd"]
    over = {dict(key)["quest_id"] for key, usd in samples["resource_quest_budget_usd"].items() if 0 < usd < spent[key]}
    assert "knowledge-graph" in over
    assert not over & {"trial-atlas", "open-questions", "safety-review"}


def test_each_profile_has_its_tables() -> None:
    assert {name: tables.schema for name, tables in PROFILES.items()} == {"scidex": "schema.sql", "litellm": "litellm.sql"}
