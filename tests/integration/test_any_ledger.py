"""Ledgers that are not ours: cents, uuids, daily sums, monthly budgets, scores in a table of their own, in any time zone."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
import pytest

from tests.integration.books import Books, Selects, read
from tests.integration.model import report
from tests.integration.rules import Settings
from tests.integration.running import Clock, configure, differences, running

NOW = datetime(2026, 5, 14, 20, 20, tzinfo=UTC)
TABLES = """
CREATE TABLE fees (
    id uuid PRIMARY KEY, ts timestamptz NOT NULL, vendor text, cents int, team int, trace text, status text, tokens int
);
CREATE INDEX ON fees (ts, id);
INSERT INTO fees SELECT md5(n::text)::uuid, timestamptz '2026-05-14 20:00Z' - n * interval '97 minutes',
       (ARRAY['openai', 'azure/eu', 'acme'])[1 + n % 3], n % 700 - 50, n % 4, 't' || n % 40,
       CASE WHEN n % 9 = 0 THEN 'void' ELSE 'ok' END, n % 400
  FROM generate_series(1, 900) AS n;
CREATE TABLE scores (trace text, judged timestamptz, passed boolean, stars smallint);
INSERT INTO scores SELECT 't' || n % 45, timestamptz '2026-05-14 19:00Z' - n * interval '9 hours',
       (ARRAY[true, false, NULL])[1 + n % 3], n % 6 FROM generate_series(1, 90) AS n;
CREATE TABLE plans (team int, monthly numeric, since date);
INSERT INTO plans VALUES (0, 300, '2026-01-10'), (1, 45.5, '2026-05-01'), (2, 0, '2025-12-31'), (7, 10, '2026-05-12');
CREATE TABLE daily (day date, team int, vendor text, requests int, cents bigint, tokens bigint);
INSERT INTO daily SELECT date '2026-05-16' - n / 3, n % 3, 'gpt', n * 7, n * 31, n * 1000 FROM generate_series(0, 200) AS n;
CREATE INDEX ON daily (day);
"""
FEES = """
SELECT id AS entry_id, ts AS occurred_at, vendor AS provider, cents / 100.0 AS cost_usd, team::text AS quest_id,
       trace AS task_id, tokens AS input_tokens FROM fees"""
PLANS = """
SELECT team::text AS quest_id, monthly AS budget_usd, month::date AS starts_on,
       (month + interval '1 month')::date - 1 AS ends_on
  FROM plans, generate_series(date_trunc('month', since), timestamp '2026-06-01', interval '1 month') AS month
UNION ALL SELECT team::text, monthly * 12, date '2026-01-01', NULL FROM plans WHERE team < 2
UNION ALL SELECT team::text, 70, date '2026-05-11', date '2026-05-17' FROM plans WHERE team = 0
UNION ALL SELECT team::text, 8, date '2026-05-09' + n, date '2026-05-11' + n
  FROM plans, generate_series(0, 8) AS n WHERE team = 1
"""
SCORES = "SELECT trace || judged AS entry_id, judged AS occurred_at, trace AS task_id, {score} AS impact_score FROM scores"
DAILY = """
SELECT day || '/' || team AS entry_id, day, vendor AS provider, cents / 100.0 AS cost_usd, requests AS calls,
       team::text AS quest_id, tokens AS input_tokens FROM daily"""
AS_TIME = DAILY.replace("day,", "day::timestamp AT TIME ZONE '{zone}' AS occurred_at,", 1)


def mapped(query: str, *columns: str, **keys: object) -> dict[str, Any]:
    return {"database": "main", "query": query, "columns": {column: column for column in columns}} | keys


@pytest.fixture
def tables(database: str) -> str:
    with psycopg.connect(database) as connection:
        connection.execute(TABLES)
    return database


@pytest.mark.parametrize("zone", ["UTC", "America/New_York", "Asia/Kolkata"])
@pytest.mark.parametrize("score", ["passed", "stars"])
async def test_cents_budgets_and_scores_of_their_own(tables: str, tmp_path: Path, zone: str, score: str) -> None:
    ledgers = {
        "costs": mapped(FEES, "quest_id", "task_id", "input_tokens", filter="cost_usd <> 0.07")
        | {"query": FEES + " WHERE status = 'ok'"},
        "budgets": mapped(PLANS, "ends_on"),
        "impacts": mapped(SCORES.format(score=score), "impact_score"),
    }
    number = f"{score}::int::numeric"
    selects = Selects(
        costs=FEES.replace("id AS", "id::text AS") + " WHERE status = 'ok' AND cents <> 7",
        budgets=PLANS,
        impacts=SCORES.format(score=number).replace(
            "trace AS task_id", "trace AS task_id, NULL AS cost_usd, NULL AS total_tokens"
        ),
    )
    clock = Clock(NOW)
    async with running(configure(tables, tmp_path / "rollups", ledgers=ledgers, timezone=zone), clock) as exporter:
        await exporter.refresh()
        settings = Settings(zone=ZoneInfo(zone))

        def books() -> Books:
            return replace(read(tables, selects), unmapped=frozenset({"costs.output_tokens", "costs.model"}))

        assert differences(exporter.samples(), report(books(), settings, clock.now)) == []
        with psycopg.connect(tables) as connection:
            connection.execute("UPDATE plans SET monthly = 90 WHERE team = 2; DELETE FROM plans WHERE team = 7")
            connection.execute("INSERT INTO fees SELECT gen_random_uuid(), '2026-05-14 20:19Z', 'acme', 1234, 2, 't3', 'ok'")
            connection.execute("UPDATE scores SET passed = true, stars = 9 WHERE trace = 't3'")
        clock.now += timedelta(seconds=15)
        await exporter.refresh(3)
        assert differences(exporter.samples(), report(books(), settings, clock.now)) == []
        clock.now += timedelta(days=20)
        await exporter.refresh(2)
        assert differences(exporter.samples(), report(books(), settings, clock.now)) == []


@pytest.mark.parametrize("zone", ["UTC", "America/New_York", "Asia/Kolkata", "Pacific/Kiritimati"])
async def test_a_ledger_of_days_counts_calls_on_the_days_that_it_names(tables: str, tmp_path: Path, zone: str) -> None:
    costs = mapped(DAILY, "day", "calls", "quest_id", "input_tokens")
    selects = Selects(costs=AS_TIME.format(zone=zone))
    settings = Settings(zone=ZoneInfo(zone))
    clock = Clock(NOW)

    def books() -> Books:
        unmapped = frozenset({"costs.occurred_at", "costs.task_id", "costs.model", "costs.output_tokens"})
        return replace(read(tables, selects), unmapped=unmapped)

    async with running(configure(tables, tmp_path / "rollups", ledgers={"costs": costs}, timezone=zone), clock) as exporter:
        await exporter.refresh()
        assert differences(exporter.samples(), report(books(), settings, clock.now)) == []
        with psycopg.connect(tables) as connection:
            connection.execute("UPDATE daily SET cents = cents + 5, requests = requests + 1 WHERE day >= '2026-05-13'")
            connection.execute("INSERT INTO daily VALUES ('2026-05-14', 9, 'claude', 0, 999, 5)")
        for _ in range(8):
            clock.now += timedelta(hours=3)
            await exporter.refresh()
            assert (
                "The costs ledger tells days only, so projections go by the elapsed share of the day." in exporter.dashboard()
            )
            assert differences(exporter.samples(), report(books(), settings, clock.now)) == []


async def test_sums_follow_a_purge_within_two_refreshes(tables: str, tmp_path: Path) -> None:
    clock = Clock(NOW)
    costs = mapped(FEES, "quest_id", "task_id", "input_tokens")
    selects = Selects(costs=FEES.replace("id AS", "id::text AS"))
    async with running(configure(tables, tmp_path / "rollups", ledgers={"costs": costs}), clock) as exporter:
        await exporter.refresh()
        oldest = exporter.own("ledger_oldest_entry_timestamp_seconds", ledger="costs")
        for days in (40, 20, 0):
            with psycopg.connect(tables) as connection:
                connection.execute(
                    "DELETE FROM fees WHERE ts < timestamptz '2026-05-14 20:00Z' - %s * interval '1 day'", [days]
                )
            clock.now += timedelta(seconds=15)
            await exporter.refresh(2)
            unmapped = frozenset({"costs.model", "costs.output_tokens"})
            expected = report(replace(read(tables, selects), unmapped=unmapped), Settings(), clock.now)
            assert differences(exporter.samples(), expected) == []
            now_oldest = exporter.own("ledger_oldest_entry_timestamp_seconds", ledger="costs")
            assert now_oldest > oldest or (days == 0 and now_oldest == 0)
            oldest = now_oldest


async def test_without_any_tokens_nothing_is_said_of_waste(tables: str, tmp_path: Path) -> None:
    ledgers = {"costs": mapped(FEES, "task_id"), "impacts": mapped(SCORES.format(score="stars"), "impact_score")}
    async with running(configure(tables, tmp_path / "rollups", ledgers=ledgers), Clock(NOW)) as exporter:
        await exporter.refresh()
        assert not [name for name in exporter.samples() if "waste" in name]
        assert exporter.samples()["resource_top_task_impact_per_usd"]
        assert "No input_tokens or output_tokens column is configured for the costs ledger." in exporter.dashboard()


async def test_without_any_cost_of_tasks_no_task_is_efficient(tables: str, tmp_path: Path) -> None:
    ledgers = {"impacts": mapped(SCORES.format(score="stars"), "impact_score")}
    async with running(configure(tables, tmp_path / "rollups", ledgers=ledgers), Clock(NOW)) as exporter:
        await exporter.refresh()
        assert exporter.samples().keys() == {
            "resource_report_info",
            "resource_budget_day_elapsed_ratio",
            "resource_quest_impact_score",
        }
