"""Each configuration of docs/litellm.md gives the numbers that plain SQL gives."""

import re
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import pytest
import yaml
from psycopg.conninfo import make_conninfo

from exporter.config import Config, parse
from exporter.profiles import read
from tests.conftest import ROOT
from tests.integration.litellm import NOW, budgets, by, checked, execute, fill, month, rows, served, teams, week, wrong
from tests.integration.running import Clock, running

PAGE = (ROOT / "docs/litellm.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"^```(yaml|sql)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SECTIONS = {
    part.partition("\n")[0].lstrip("# "): BLOCK.findall(part) for part in re.split(r"^(?=###? )", PAGE, flags=re.MULTILINE)
}
VARIANTS = [name for name, blocks in SECTIONS.items() if [kind for kind, _ in blocks] == ["yaml", "sql"]]
MINIMUM = SECTIONS["Set up"][1][1]
HOLDER = re.compile(r"(?<=AS \(\n)    SELECT team_id, max_budget.*?(?=\n\), budget AS)", re.DOTALL)
HELD = 'SELECT {}, sum(spend::numeric)::float, count(*) FROM "LiteLLM_SpendLogs" {} GROUP BY 1'
TAGS = """, (SELECT request_id AS id, jsonb_array_elements_text(request_tags) AS tag FROM "LiteLLM_SpendLogs"
              WHERE request_tags::text LIKE '[%"%'
             UNION SELECT request_id, 'unassigned' FROM "LiteLLM_SpendLogs"
              WHERE request_tags IS NULL OR request_tags::text NOT LIKE '[%"%') AS t WHERE id = request_id"""
Held = dict[str, tuple[float, Callable[[date], tuple[date, date]] | None]]
# Of each variant, who spent how much in how many calls, and the budgets, by dates alone.
EXPECTED: dict[str, tuple[str, Held]] = {
    "Keys": (HELD.format("api_key", ""), {"k0": (12, month), "k1": (20, week), "k2": (9, None)}),
    "Users": (HELD.format("""coalesce(nullif("user", ''), 'unassigned')""", ""), {"u0": (15, week)}),
    "Customers": (HELD.format("coalesce(nullif(end_user, ''), 'unassigned')", ""), {"e0": (90, month)}),
    "Organizations": (HELD.format("coalesce(nullif(organization_id, ''), 'unassigned')", ""), {"o1": (90, month)}),
    "Tags": (HELD.format("tag", TAGS), {"prod": (20, week)}),
}
DAILY = """
INSERT INTO "LiteLLM_DailyTeamSpend" (id, date, api_key, team_id, model, custom_llm_provider, prompt_tokens, spend,
                                      api_requests)
SELECT gen_random_uuid()::text, day::text, 'k', coalesce(team_id, ''), model, 'openai', tokens, spend, calls
  FROM (SELECT team_id, "startTime"::date AS day, model, sum(prompt_tokens) AS tokens, sum(spend) AS spend, count(*) AS calls
          FROM "LiteLLM_SpendLogs" GROUP BY 1, 2, 3) AS sums
"""
SCORES = """
CREATE TABLE scores (id serial PRIMARY KEY, judged_at timestamptz, trace_id text, score numeric);
CREATE INDEX ON scores (judged_at);
INSERT INTO scores (judged_at, trace_id, score)
SELECT max("startTime") AT TIME ZONE 'UTC', session_id, 4.5 FROM "LiteLLM_SpendLogs"
 WHERE session_id LIKE 'session-%' GROUP BY 2;
"""


@pytest.fixture
def proxy(database: str, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("LITELLM_DSN", fill(database, NOW))
    monkeypatch.setenv("JUDGED_DSN", database)
    return database


def configuration(text: str, tmp_path: Path) -> Config:
    """A configuration of the page, with the rollups in this directory."""
    document = yaml.safe_load(text) | {"state": {"path": str(tmp_path / "rollups")}}
    return parse(yaml.safe_dump(document), "config.yml")


def variant(name: str) -> str:
    """The configuration of a variant with its budgets, put together as the page says."""
    (_, config), (_, holder) = SECTIONS[name]
    assert parse(config, "config.yml").ledgers.keys() <= {"costs", "quests"}
    ((_, shared),) = SECTIONS["Budgets of variants"]
    ledgers = yaml.safe_load(shared)["ledgers"]
    ledgers["budgets"]["query"], found = HOLDER.subn(holder.rstrip(), ledgers["budgets"]["query"])
    assert found == 1
    document = yaml.safe_load(config)
    document["ledgers"] |= ledgers
    return yaml.safe_dump(document)


async def test_the_tables_may_be_in_another_schema(proxy: str, tmp_path: Path) -> None:
    execute(proxy, "ALTER SCHEMA public RENAME TO gateway")
    clock = Clock(NOW)
    async with running(teams(make_conninfo(proxy, options="-c search_path=gateway"), tmp_path / "rollups"), clock) as exporter:
        await exporter.refresh()
        assert by(exporter.samples(), "resource_quest_budget_usd", "quest_id")["t-7d",] == 25


@pytest.mark.parametrize("name", ["Set up", "Retention", "Scores"])
def test_a_configuration_of_the_page_is_one_as_it_stands(name: str) -> None:
    for kind, text in SECTIONS[name]:
        assert kind == "sql" or parse(text, "config.yml").profile == "litellm"


async def test_the_minimum_gives_the_numbers_of_teams(proxy: str, tmp_path: Path) -> None:
    clock = Clock(NOW)
    async with running(configuration(MINIMUM, tmp_path), clock) as exporter:
        await exporter.refresh()
        assert wrong(exporter, proxy, clock) == []


def test_the_shared_budgets_are_those_of_the_profile() -> None:
    ((_, shared),) = SECTIONS["Budgets of variants"]
    profile = yaml.safe_load(read("litellm"))["ledgers"]["budgets"]
    assert yaml.safe_load(shared)["ledgers"]["budgets"] == profile | {"database": "litellm"}
    assert HOLDER.search(profile["query"])
    assert list(EXPECTED) == VARIANTS


@pytest.mark.parametrize("name", VARIANTS)
async def test_a_variant_gives_the_numbers_of_plain_sql(proxy: str, tmp_path: Path, name: str) -> None:
    query, held = EXPECTED[name]
    config, clock = configuration(variant(name), tmp_path), Clock(NOW)
    assert (await checked(config)).count("fix:") == 1
    async with running(config, clock) as exporter:
        await served(exporter, clock)
        samples = exporter.samples()
    expected = rows(proxy, query)
    assert by(samples, "resource_calls", "quest_id") == {(quest,): calls for quest, _, calls in expected}
    assert by(samples, "resource_spend_usd", "quest_id") == pytest.approx({(quest,): usd for quest, usd, _ in expected})
    assert by(samples, "resource_quest_budget_usd", "quest_id") == {(quest,): usd for quest, (usd, _) in held.items()}
    ends = by(samples, "resource_quest_budget_end_timestamp_seconds", "quest_id")
    last = {quest: period(NOW.date())[1] for quest, (_, period) in held.items() if period}
    assert {quest: NOW.fromtimestamp(end, NOW.tzinfo).date() - timedelta(days=1) for (quest,), end in ends.items()} == last


async def test_names_of_keys_are_their_aliases_and_layers_their_teams(proxy: str, tmp_path: Path) -> None:
    async with running(configuration(variant("Keys"), tmp_path), Clock(NOW)) as exporter:
        await exporter.refresh()
        labels = by(exporter.samples(), "resource_quest_spend_usd", "quest_id", "quest", "layer")
    assert set(labels) == {
        ("k0", "ci", "Research"),
        ("k1", "sk-...bbbb", "unknown"),
        ("k2", "ci", "unknown"),
        ("k3", "k3", "unknown"),
    }


async def test_daily_sums_are_an_own_ledger(proxy: str, tmp_path: Path) -> None:
    execute(proxy, DAILY)
    ((_, config),) = SECTIONS["Retention"]
    async with running(configuration(config, tmp_path), Clock(NOW)) as exporter:
        await exporter.refresh()
        samples = exporter.samples()
    expected = rows(proxy, HELD.format("coalesce(nullif(team_id, ''), 'unassigned')", ""))
    assert by(samples, "resource_calls", "quest_id") == {(quest,): calls for quest, _, calls in expected}
    assert by(samples, "resource_spend_usd", "quest_id") == pytest.approx({(quest,): usd for quest, usd, _ in expected})
    assert len(samples["resource_quest_budget_usd"]) == len(budgets(NOW.date(), NOW.date()))


async def test_a_table_of_scores_gives_impact(proxy: str, tmp_path: Path) -> None:
    execute(proxy, SCORES)
    (_, config), _ = SECTIONS["Scores"]
    async with running(configuration(config, tmp_path), Clock(NOW)) as exporter:
        await exporter.refresh(2)
        samples = exporter.samples()
    sessions = """SELECT count(DISTINCT session_id) * 4.5::float, sum(spend)::float FROM "LiteLLM_SpendLogs"
                   WHERE session_id LIKE 'session-%'"""
    ((impact, cost),) = rows(proxy, sessions)
    assert by(samples, "resource_quest_impact_score", "window")["lifetime",] == pytest.approx(impact)
    assert by(samples, "resource_quest_impact_cost_usd", "window")["lifetime",] == pytest.approx(cost)


async def test_scores_in_metadata_survive_bad_values(proxy: str, tmp_path: Path) -> None:
    _, (_, config) = SECTIONS["Scores"]
    async with running(configuration(config, tmp_path), Clock(NOW)) as exporter:
        await exporter.refresh(2)
        samples = exporter.samples()
        assert exporter.rejected("impacts") == 0
    scored = rows(proxy, """SELECT count(*) * 0.75 FROM "LiteLLM_SpendLogs" WHERE metadata::text LIKE '%0.75%'""")
    assert by(samples, "resource_quest_impact_score", "window")["lifetime",] == pytest.approx(float(scored[0][0]))
    assert by(samples, "resource_quest_wasted_tasks", "reason", "window")["unscored", "lifetime"] > 0
