"""The history of budgets equals plain SQL at every moment, over months in which the clocks change."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from exporter.backfill import Target, parse_span, run
from exporter.calendar import Calendar
from tests.integration.running import configure

FIRST, LAST = "2026-02-27", "2026-03-17"
ROWS = """
CREATE TABLE plans (quest_id text, usd numeric, starts_on date, ends_on date, period text, named text);
INSERT INTO plans VALUES
    ('q1', 100, '2026-02-01', '2026-02-28', NULL, 'month'), ('q1', 120, '2026-03-01', '2026-03-31', NULL, 'month'),
    ('q1', 7, '2026-03-02', '2026-03-08', NULL, 'week'), ('q1', 5, '2026-03-02', '2026-03-08', NULL, 'week'),
    ('q1', 900, '2026-01-01', NULL, NULL, 'open'), ('q1', 1000, '2026-03-10', NULL, NULL, 'open'),
    ('q2', 50, '2026-03-01', '2026-03-20', 'sprint', 'sprint'), ('q2', 60, '2026-03-15', '2026-03-27', 'sprint', 'sprint'),
    ('q2', 61, '2026-03-15', '2026-03-30', 'sprint', 'sprint'), ('q2', NULL, '2026-03-28', '2026-03-28', NULL, 'day'),
    ('q3', 10, '2025-12-01', '2026-12-31', NULL, '396d'), (NULL, 11, '2026-03-01', '2026-03-31', NULL, 'month'),
    ('q4', 9, '2026-05-01', '2026-05-31', NULL, 'month');
INSERT INTO cost_ledger (created_at, quest_id, provider, model, cost_usd)
SELECT timestamptz '2026-03-19' - n * interval '97 minutes', CASE WHEN n % 5 > 0 THEN 'q' || n % 5 END, 'codex', 'm' || n % 3,
       CASE WHEN n % 17 = 0 THEN -2.5 WHEN n % 13 = 0 THEN NULL ELSE n * 0.0137 END FROM generate_series(1, 1200) AS n;
INSERT INTO quests VALUES ('q1', 'One', 'Atlas'), ('q2', 'Two', 'Forge');
INSERT INTO quest_budget_allocations SELECT 'q' || n, date '2026-03-15' - back, 10 * n + back, 0
  FROM generate_series(1, 2) AS n, generate_series(0, 20) AS back;
"""
SPENDING = "SELECT coalesce(quest_id, 'unassigned') AS quest_id, created_at, cost_usd FROM cost_ledger"
PLANNED = "SELECT coalesce(quest_id, 'unassigned'), usd, starts_on, ends_on, named FROM plans"
ALLOCATED = "SELECT quest_id, allocated_usd, day, day, 'day' FROM quest_budget_allocations"
# Of each moment and budget that holds then, where none of the same quest and period began later, or as late and ends earlier.
HELD = """
WITH plan (quest_id, usd, starts_on, ends_on, period) AS ({plans}), spending AS ({spending}), held AS (
    SELECT extract(epoch FROM at)::bigint AS second, at, plan.*
      FROM generate_series(timestamp '{first}' AT TIME ZONE '{zone}', (date '{last}' + 1)::timestamp AT TIME ZONE '{zone}',
                           interval '{step}') AS at, plan
     WHERE at >= starts_on::timestamp AT TIME ZONE '{zone}' AND usd IS NOT NULL
       AND at < coalesce((ends_on + 1)::timestamp AT TIME ZONE '{zone}', 'infinity')
), last AS (
    SELECT * FROM held WHERE NOT EXISTS (
        SELECT FROM held AS other WHERE (other.second, other.quest_id, other.period) = (held.second, held.quest_id, held.period)
           AND (other.starts_on > held.starts_on OR (other.starts_on = held.starts_on AND other.ends_on < held.ends_on)))
)
"""
BUDGET = "SELECT quest_id, period, second, sum(usd)::float8 FROM last GROUP BY 1, 2, 3"
SPEND = """
SELECT quest_id, period, second, coalesce((
           SELECT sum(cost_usd) FROM spending WHERE spending.quest_id = last.quest_id AND created_at < at
              AND created_at >= starts_on::timestamp AT TIME ZONE '{zone}'), 0)::float8
  FROM (SELECT DISTINCT quest_id, period, second, at, starts_on FROM last) AS last
"""
END = """
SELECT DISTINCT quest_id, period, second, extract(epoch FROM (ends_on + 1)::timestamp AT TIME ZONE '{zone}')::float8
  FROM last WHERE ends_on IS NOT NULL
"""
DERIVED = """
SELECT quest_id, second, sum(usd / days)::float8
  FROM (SELECT *, ends_on - starts_on + 1 AS days, min(ends_on - starts_on + 1) OVER (PARTITION BY quest_id, second) AS least
          FROM held WHERE ends_on IS NOT NULL) AS shares
 WHERE days = least GROUP BY 1, 2
"""
BUDGETS = {"database": "main", "table": "plans", "columns": {"budget_usd": "usd", "ends_on": "ends_on", "period": "period"}}
COSTS = {"database": "main"}
QUEST_PERIOD = ("quest_id", "period")
Found = dict[tuple[str | int, ...], float]


@pytest.fixture
def plans(database: str) -> str:
    with psycopg.connect(database, options="-c timezone=UTC") as connection:
        connection.execute(ROWS)
    return database


async def written(conninfo: str, directory: Path, zone: str = "UTC", step: str = "1h", **keys: Any) -> dict[str, list[Any]]:
    """The samples of the history, by metric."""
    config = configure(conninfo, directory / "rollups", timezone=zone, **keys)
    span = parse_span(Calendar(ZoneInfo(zone)), FIRST, LAST, step, datetime.now(UTC))
    await run(config, span, Target("j", "i"), directory / "history.om")
    text = (directory / "history.om").read_text()
    return {family.name: family.samples for family in text_string_to_metric_families(text)}  # type: ignore[no-untyped-call]


def by(samples: list[Any], *labels: str) -> Found:
    """The samples by some labels and the second; each only once."""
    found: Found = {}
    for sample in samples:
        key = (*(sample.labels[label] for label in labels), int(float(sample.timestamp)))
        assert key not in found
        found[key] = sample.value
    return found


def expected(conninfo: str, query: str, plans: str = PLANNED, zone: str = "UTC", step: str = "1h", **more: str) -> Found:
    facts = {"plans": plans, "zone": zone, "step": step.replace("m", " minutes").replace("h", " hours")} | more
    text = (HELD + query).format(first=FIRST, last=LAST, **{"spending": SPENDING} | facts)
    with psycopg.connect(conninfo, options="-c timezone=UTC") as connection:
        found: Found = {row[:-1]: row[-1] for row in connection.execute(text.encode())}
    assert len(found) > 300
    return found


@pytest.mark.parametrize("zone, step", [("UTC", "1h"), ("Asia/Kolkata", "30m"), ("America/New_York", "1h")])
async def test_every_sample_equals_plain_sql(tmp_path: Path, plans: str, zone: str, step: str) -> None:
    found = await written(plans, tmp_path, zone, step, ledgers={"costs": COSTS, "budgets": BUDGETS})
    for metric, query in (("budget_usd", BUDGET), ("budget_spend_usd", SPEND), ("budget_end_timestamp_seconds", END)):
        wanted = expected(plans, query, zone=zone, step=step)
        assert by(found[f"resource_quest_{metric}"], *QUEST_PERIOD) == pytest.approx(wanted)
    shares = expected(plans, DERIVED, zone=zone, step=step)
    assert by(found["resource_quest_allocation_usd"], "quest_id") == pytest.approx(shares)


async def test_allocations_are_budgets_of_days(tmp_path: Path, plans: str) -> None:
    ledgers = {"costs": COSTS, "budgets": BUDGETS, "allocations": {"database": "main"}}
    found = await written(plans, tmp_path, ledgers=ledgers)
    both = f"{PLANNED} UNION ALL {ALLOCATED}"
    budgets = expected(plans, BUDGET, both)
    assert by(found["resource_quest_budget_usd"], *QUEST_PERIOD) == pytest.approx(budgets)
    assert by(found["resource_quest_budget_spend_usd"], *QUEST_PERIOD) == pytest.approx(expected(plans, SPEND, both))
    days = {(quest, second): usd for (quest, period, second), usd in budgets.items() if period == "day"}
    assert by(found["resource_quest_allocation_usd"], "quest_id") == pytest.approx(days)


async def test_calls_that_tell_no_quest_are_spend_of_none(tmp_path: Path, plans: str) -> None:
    ledgers: Mapping[str, Any] = {"costs": COSTS | {"columns": {"quest_id": None}}, "budgets": BUDGETS}
    found = await written(plans, tmp_path, ledgers=ledgers)
    all_of_them = SPENDING.replace("coalesce(quest_id, 'unassigned')", "'unassigned'")
    wanted = expected(plans, SPEND, spending=all_of_them)
    spent = by(found["resource_quest_budget_spend_usd"], *QUEST_PERIOD)
    assert spent == pytest.approx({key: usd for key, usd in wanted.items() if key[0] == "unassigned"})
    assert by(found["resource_quest_budget_usd"], *QUEST_PERIOD) == pytest.approx(expected(plans, BUDGET))


async def test_folded_quests_are_summed_up(tmp_path: Path, plans: str) -> None:
    found = await written(plans, tmp_path, ledgers={"costs": COSTS, "budgets": BUDGETS}, limits={"max_series": 1})
    for metric, query in (("budget_usd", BUDGET), ("budget_spend_usd", SPEND)):
        sums: Found = {}
        for (_, period, second), usd in expected(plans, query).items():
            sums["other", period, second] = sums.get(("other", period, second), 0) + usd
        assert by(found[f"resource_quest_{metric}"], *QUEST_PERIOD) == pytest.approx(sums)


async def test_without_budgets_there_is_no_history_of_them(tmp_path: Path, plans: str) -> None:
    found = await written(plans, tmp_path, ledgers={"costs": COSTS})
    assert set(found) == {"resource_spend_usd", "resource_calls", "resource_tokens", "resource_quest_spend_usd"}
