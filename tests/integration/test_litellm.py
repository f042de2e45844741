"""The profile of the LiteLLM proxy: without a further key, the numbers of teams equal plain SQL, whatever its rows are like."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from tests.integration.litellm import NOW, budgets, by, call, execute, fill, label, midnight, month, rows, teams, week, wrong
from tests.integration.rules import clean
from tests.integration.running import Clock, Exporter, running

ZONES = ["UTC", "America/New_York", "Asia/Kolkata", "Pacific/Auckland"]
TEAM = "CASE WHEN team_id <> '' THEN team_id ELSE 'unassigned' END"


@pytest.mark.parametrize("zone", ZONES)
async def test_all_numbers_are_those_of_the_naive_model(database: str, tmp_path: Path, clock: Clock, zone: str) -> None:
    fill(database, NOW, ZoneInfo(zone))
    async with running(teams(database, tmp_path / "rollups", timezone=zone), clock) as exporter:
        await exporter.refresh()
        assert wrong(exporter, database, clock, zone) == []
        clock.now += timedelta(hours=23)
        await exporter.refresh()
        assert wrong(exporter, database, clock, zone) == []


async def test_sums_of_teams_are_those_of_plain_sql(exporter: Exporter, proxy: str) -> None:
    samples = exporter.samples()
    for window, days in {"1d": 0, "7d": 6, "30d": 29, "lifetime": 10_000}.items():
        spent = f"""SELECT {TEAM}, sum(spend::numeric)::float FROM "LiteLLM_SpendLogs"
                     WHERE "startTime" >= '{NOW.date()}'::date - {days} GROUP BY 1"""
        served = {
            team: usd
            for (team, of), usd in by(samples, "resource_quest_spend_usd", "quest_id", "window").items()
            if of == window
        }
        assert {team: usd for team, usd in served.items() if usd} == pytest.approx(
            {t: usd for t, usd in rows(proxy, spent) if usd}
        )
    counts = f"""SELECT {TEAM}, count(*), sum(prompt_tokens + completion_tokens) FROM "LiteLLM_SpendLogs" GROUP BY 1"""
    counted = rows(proxy, counts)
    assert by(samples, "resource_calls", "quest_id") == {(team,): calls for team, calls, _ in counted}
    assert by(samples, "resource_tokens", "quest_id") == {(team,): tokens for team, _, tokens in counted}
    tasks = """SELECT count(DISTINCT coalesce(nullif(session_id, ''), request_id)) FROM "LiteLLM_SpendLogs"
                WHERE custom_llm_provider = 'anthropic'"""
    assert by(samples, "resource_provider_tasks", "provider", "window")["Anthropic", "lifetime"] == rows(proxy, tasks)[0][0]


async def test_spend_of_a_budget_is_that_of_its_days(exporter: Exporter, proxy: str) -> None:
    samples = exporter.samples()
    held = budgets(NOW.date(), NOW.date())
    assert by(samples, "resource_quest_budget_usd", "quest_id") == {(team,): float(usd) for team, (usd, _) in held.items()}
    for team, (_, (start, end)) in held.items():
        query = f"""SELECT coalesce(sum(spend::numeric), 0)::float FROM "LiteLLM_SpendLogs" WHERE team_id = '{team}'
                     AND "startTime" >= '{start}' AND "startTime"::date <= '{end or "infinity"}'"""
        spent = by(samples, "resource_quest_budget_spend_usd", "quest_id")[(team,)]
        assert spent == pytest.approx(rows(proxy, query)[0][0]), team
    periods = {label(key, "quest_id"): label(key, "period") for key in samples["resource_quest_budget_usd"]}
    fixed = ("t-30d", "t-7d", "t-24h", "t-2w", "t-45d", "t-open", "t-None")
    assert [periods[team] for team in fixed] == ["month", "week", "day", "14d", "45d", "open", "open"]
    shares = {team: float(usd) / ((end - start).days + 1) for team, (usd, (start, end)) in held.items() if end}
    assert by(samples, "resource_quest_allocation_usd", "quest_id") == pytest.approx(
        {(team,): usd for team, usd in shares.items()}
    )


@pytest.mark.parametrize(
    "team, period", [("t-30d", month), ("t-1mo", month), ("t-7d", week), ("t-24h", lambda day: (day, day))]
)
async def test_a_budget_begins_again_at_its_reset(
    exporter: Exporter, proxy: str, clock: Clock, team: str, period: Callable[[date], tuple[date, date]]
) -> None:
    reset = midnight(period(NOW.date())[1] + timedelta(days=1), ZoneInfo("UTC"))
    for name, usd, at in (("last", 900, reset - timedelta(minutes=1)), ("first", 3.5, reset)):
        execute(proxy, call(name, usd, at, at, team))
    spent = []
    for clock.now in (reset - timedelta(seconds=1), reset + timedelta(seconds=1)):
        await exporter.refresh(2)
        spent.append(by(exporter.samples(), "resource_quest_budget_spend_usd", "quest_id")[team,])
    assert spent[0] >= 900
    assert spent[1] == 3.5


async def test_no_team_is_no_quest(exporter: Exporter, proxy: str) -> None:
    without = rows(proxy, """SELECT count(*) FROM "LiteLLM_SpendLogs" WHERE team_id IS NULL OR team_id = ''""")[0][0]
    assert without > 50
    assert by(exporter.samples(), "resource_calls", "quest_id")["unassigned",] == without


async def test_aliases_are_cleaned_and_teams_of_one_alias_stay_apart(exporter: Exporter, proxy: str) -> None:
    names = {label(key, "quest_id"): label(key, "quest") for key in exporter.samples()["resource_quest_spend_usd"]}
    assert names["t-30d"] == names["t-1mo"] == "Research"
    assert names["t-7d"] == "t-7d"
    assert names["t-1d"] == "Nightshift"
    assert names["t-24h"] == clean("long " * 20)
    assert names["t-unknown"] == "t-unknown"
    assert names["t-gone"] == "Gone"


async def test_a_deleted_team_keeps_its_name_and_loses_its_budget(exporter: Exporter, proxy: str, clock: Clock) -> None:
    execute(
        proxy,
        """WITH gone AS (DELETE FROM "LiteLLM_TeamTable" WHERE team_id = 't-1mo' RETURNING *)
           INSERT INTO "LiteLLM_DeletedTeamTable" (id, team_id, team_alias, organization_id, max_budget, budget_duration)
           SELECT gen_random_uuid()::text, team_id, team_alias, organization_id, max_budget, budget_duration FROM gone""",
    )
    clock.now += timedelta(seconds=15)
    await exporter.refresh()
    samples = exporter.samples()
    labels = {label(key, "quest_id"): (label(key, "quest"), label(key, "layer")) for key in samples["resource_quest_spend_usd"]}
    assert labels["t-1mo"] == ("Research", "Engineering")
    assert ("t-1mo",) not in by(samples, "resource_quest_budget_usd", "quest_id")


async def test_the_reset_of_a_proxy_that_was_stopped_is_made_up_for(exporter: Exporter, proxy: str, clock: Clock) -> None:
    execute(
        proxy,
        f"""UPDATE "LiteLLM_TeamTable" SET budget_reset_at = '{NOW.date() - timedelta(days=400)}' WHERE team_id = 't-2w'""",
    )
    clock.now += timedelta(seconds=15)
    await exporter.refresh()
    ends = by(exporter.samples(), "resource_quest_budget_end_timestamp_seconds", "quest_id")
    days = (datetime.fromtimestamp(ends["t-2w",], UTC).date() - (NOW.date() - timedelta(days=400))).days
    assert days == 400 + 14 - 400 % 14
