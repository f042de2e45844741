"""Limits fold series into ``other``: no sum changes, and the number of series stays within the limit."""

from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.integration.books import read
from tests.integration.conftest import empty
from tests.integration.model import report
from tests.integration.page import Labels
from tests.integration.rules import FAMILIES, GENERAL, Reading, Settings
from tests.integration.running import Clock, Exporter, Samples, configure, running
from tests.integration.strategies import FEW, ledgers

NOW = datetime(2026, 5, 14, 15, 20, tzinfo=UTC)
NAMES = {name for name, _ in (*FAMILIES, *GENERAL)}
KEPT = {"window", "token_type", "reason", "day"}
RANKED = ("resource_top_task_", "resource_wasted_task_")
DISTINCT = "resource_provider_tasks"
"""A task that called two folded providers counts once, so the sums differ: it has its own test."""


def added_up(samples: dict[Labels, float], kept: set[str]) -> dict[Labels, float]:
    """The sums over all labels except those that are kept."""
    totals: dict[Labels, float] = defaultdict(float)
    for labels, value in samples.items():
        totals[frozenset(label for label in labels if label[0] in kept)] += float(value)
    return totals


def same_sums(served: Samples, conninfo: str, quest_top: int = 5) -> None:
    """Assert that the families are those of the model and have the same sums, except one; rankings are compared by task."""
    expected = report(read(conninfo), Settings(quest_top=quest_top), NOW).samples
    assert served.keys() == expected.keys()
    for name in expected.keys() - {DISTINCT}:
        kept = KEPT | {"task_id"} if name.startswith(RANKED) else KEPT
        wanted = {labels: float(value) for labels, value in expected[name].items()}
        assert added_up(served[name], kept) == pytest.approx(added_up(wanted, kept), rel=1e-9, abs=1e-9), name


@pytest.mark.parametrize("providers, models", [(1, 1), (2, 50), (50, 1)])
@settings(FEW, max_examples=4)
@given(data=st.data())
async def test_providers_and_models_beyond_their_limit_are_folded(
    ledger_database: str, providers: int, models: int, data: st.DataObject
) -> None:
    empty(ledger_database)
    data.draw(ledgers(NOW)).write(ledger_database)
    limits = {"max_providers": providers, "models_per_provider": models}
    with TemporaryDirectory() as directory:
        async with running(configure(ledger_database, Path(directory, "rollups"), limits=limits), Clock(NOW)) as exporter:
            await exporter.refresh()
            served = exporter.samples()
    same_sums(served, ledger_database)
    reading = Reading(read(ledger_database), Settings(), NOW)
    by_provider = defaultdict[str, set[str]](set)
    for labels in served.get("resource_model_spend_usd", {}):
        by_provider[dict(labels)["provider"]].add(dict(labels)["model"])
    assert by_provider.keys() >= {reading.provider(call) for call in reading.calls} & NAMES
    assert len(by_provider.keys() - NAMES - {"other"}) <= providers
    assert all(len(each - {"other"}) <= models for each in by_provider.values())


async def test_a_task_counts_once_when_several_of_its_providers_are_folded(database: str, tmp_path: Path) -> None:
    with psycopg.connect(database) as connection:
        connection.execute("""
            INSERT INTO cost_ledger (created_at, task_id, provider, cost_usd)
            SELECT '2026-05-14 10:00Z', task, provider, usd FROM (VALUES ('t1', 'p1', 9),
            ('t1', 'p2', 3), ('t1', 'p3', 2), ('t2', 'p3', 1), ('t3', 'p4', 1)) AS calls (task, provider, usd)""")
    limits = {"max_providers": 1}
    async with running(configure(database, tmp_path / "rollups", limits=limits), Clock(NOW)) as exporter:
        await exporter.refresh()
        tasks = exporter.samples()["resource_provider_tasks"]
    counted = {dict(labels)["provider"]: count for labels, count in tasks.items() if ("window", "lifetime") in labels}
    assert counted == {"p1": 1, "other": 3}


async def test_the_limit_of_providers_applies_to_those_without_a_family(database: str, tmp_path: Path) -> None:
    with psycopg.connect(database) as connection:
        connection.execute("""
            INSERT INTO cost_ledger (created_at, provider, cost_usd)
            SELECT '2026-05-14 10:00Z', provider, usd FROM (VALUES ('p1', 9), ('p2', 8), ('', 7), ('p3', 6),
            ('codex', 2), ('aws-bedrock', 1), ('acme', 0)) AS calls (provider, usd)""")
    keys = {"limits": {"max_providers": 2}, "providers": {"Acme": ["acme"]}}
    async with running(configure(database, tmp_path / "rollups", **keys), Clock(NOW)) as exporter:
        await exporter.refresh()
        spend = exporter.samples()["resource_provider_spend_usd"]
    lifetime = {dict(labels)["provider"]: usd for labels, usd in spend.items() if ("window", "lifetime") in labels}
    assert lifetime == {"p1": 9, "p2": 8, "other": 13, "Codex": 2, "Bedrock": 1, "Acme": 0}


FULL = """
INSERT INTO quests SELECT 'q' || n, 'Quest', 'l' || n % 3 FROM generate_series(0, 9) AS n;
INSERT INTO quest_budget_allocations SELECT 'q' || n, date '2026-05-14' - d, 5, 1
  FROM generate_series(0, 9) AS n, generate_series(0, 29) AS d;
INSERT INTO cost_ledger (created_at, task_id, quest_id, provider, model, cost_usd, input_tokens, output_tokens)
SELECT '2026-05-14 10:00Z', q || 't' || t, 'q' || q, 'p' || p, 'm' || m, 1, 1, 1 FROM generate_series(0, 9) AS q,
       generate_series(0, 3) AS t, generate_series(0, 2) AS p, generate_series(0, 1) AS m;
INSERT INTO impact_ledger (created_at, updated_at, task_id, quest_id, layer, total_tokens, cost_usd, impact_score)
SELECT '2026-05-14 10:00Z', now(), q || 't' || t, 'q' || q, '', 5000, 1, nullif(t, 4) / 8.0
  FROM generate_series(0, 9) AS q, generate_series(1, 5) AS t;
"""
"""Ten quests in three layers, each with a budget and spend today, six models and waste of both reasons; t5 has no call."""


async def test_the_limit_equals_the_number_of_series_served(database: str, tmp_path: Path) -> None:
    """With a limit equal to the number of series nothing is folded; with one less, the number of series is below the limit."""
    with psycopg.connect(database) as connection:
        connection.execute(FULL)
    series: list[int] = []
    for most in (50_000, 0, -1):
        limit = most if most > 0 else series[0] + most
        config = configure(database, tmp_path / f"{most}", limits={"max_series": limit}, report={"top": 10, "quest_top": 0})
        async with running(config, Clock(NOW)) as exporter:
            await exporter.refresh()
            series.append(_series(exporter))
            assert (exporter.own("folded_series") > 0) == (most == -1)
    assert series[0] == series[1] > series[2]


@pytest.mark.parametrize("most", [1000, 1200, 3000])
async def test_the_number_of_series_is_within_max_series(database: str, tmp_path: Path, most: int) -> None:
    with psycopg.connect(database) as connection:
        connection.execute("""
            INSERT INTO cost_ledger (created_at, task_id, quest_id, provider, model, cost_usd, input_tokens)
            SELECT '2026-05-14 10:00Z', 't' || n % 60, 'q' || n % 40, 'p' || n % 7, 'm' || n % 11, n, n
              FROM generate_series(1, 2000) AS n""")
        connection.execute("""
            INSERT INTO impact_ledger (created_at, updated_at, task_id, quest_id, layer, total_tokens, cost_usd, impact_score)
            SELECT '2026-05-14 10:00Z', now(), 't' || n % 60, 'q' || n % 40, 'l' || n % 5, n * 10, n, n % 3
              FROM generate_series(1, 500) AS n""")
    config = configure(database, tmp_path / "rollups", limits={"max_series": most})
    async with running(config, Clock(NOW)) as exporter:
        await exporter.refresh()
        served = exporter.samples()
        assert sum(map(len, served.values())) <= most
        assert exporter.own("folded_series") > 0
        assert _series(exporter) == sum(map(len, served.values()))
    same_sums(served, database, quest_top=0)


@pytest.mark.parametrize("quest_top", range(4))
async def test_rankings_of_each_quest_are_cut_before_a_quest_is_folded(database: str, tmp_path: Path, quest_top: int) -> None:
    """Each of ten quests has five tasks in both rankings of four windows, with six series in all for each task."""
    with psycopg.connect(database) as connection:
        connection.execute(FULL)
    without = configure(database, tmp_path / "without", report={"quest_top": 0})
    async with running(without, Clock(NOW)) as exporter:
        await exporter.refresh()
        most = _series(exporter) + quest_top * 10 * 6 * 4
    async with running(configure(database, tmp_path / "with", limits={"max_series": most}), Clock(NOW)) as exporter:
        await exporter.refresh()
        served = exporter.samples()
        assert exporter.own("folded_series") == 0
        assert sum(map(len, served.values())) <= most
    expected = report(read(database), Settings(quest_top=quest_top), NOW).samples
    for name in expected:
        if name.startswith(RANKED):
            assert served[name] == pytest.approx({key: float(value) for key, value in expected[name].items()}), name


def _series(exporter: Exporter) -> int:
    """The number of series by the exporter's own metric."""
    sections = ("allocation", "budgets", "spend", "utilization", "providers", "efficiency", "waste", "report")
    return sum(int(exporter.own("series", section=section)) for section in sections)
