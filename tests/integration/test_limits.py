"""Limits fold what is beyond them into ``other``: no sum changes, and the page keeps within its bounds."""

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
from tests.integration.rules import FAMILIES, Settings
from tests.integration.running import Clock, Exporter, Samples, configure, running
from tests.integration.strategies import FEW, ledgers

NOW = datetime(2026, 5, 14, 15, 20, tzinfo=UTC)
NAMES = {name for name, _ in FAMILIES}
FOLDED = ("resource_spend_usd", "resource_calls", "resource_tokens", "resource_quest_spend_usd", "resource_day_spend_usd",
          "resource_provider_spend_usd", "resource_provider_calls", "resource_provider_unpriced_calls",
          "resource_provider_tokens", "resource_model_spend_usd", "resource_provider_impact_score",
          "resource_provider_wasted_usd", "resource_quest_wasted_usd", "resource_quest_impact_cost_usd")  # fmt: skip
KEPT = {"window", "token_type", "reason", "day"}


def sums(samples: dict[Labels, float]) -> dict[Labels, float]:
    """The sums over all labels that a limit may fold."""
    totals: dict[Labels, float] = defaultdict(float)
    for labels, value in samples.items():
        totals[frozenset(label for label in labels if label[0] in KEPT)] += float(value)
    return totals


def same_sums(served: Samples, conninfo: str) -> None:
    expected = report(read(conninfo), Settings(), NOW).samples
    for name in FOLDED:
        if name in expected:
            wanted = sums({labels: float(value) for labels, value in expected[name].items()})
            assert sums(served[name]) == pytest.approx(wanted, rel=1e-9, abs=1e-9), name


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
    by_provider = defaultdict[str, set[str]](set)
    for labels in served.get("resource_model_spend_usd", {}):
        by_provider[dict(labels)["provider"]].add(dict(labels)["model"])
    assert len(by_provider.keys() - NAMES - {"other"}) <= providers
    assert all(len(each - {"other"}) <= models for each in by_provider.values())


async def test_a_task_counts_once_however_many_of_its_providers_are_folded(database: str, tmp_path: Path) -> None:
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


@pytest.mark.parametrize("most", [1000, 1200, 3000])
async def test_the_page_keeps_within_max_series(database: str, tmp_path: Path, most: int) -> None:
    with psycopg.connect(database) as connection:
        connection.execute("""
            INSERT INTO cost_ledger (created_at, task_id, quest_id, provider, model, cost_usd, input_tokens)
            SELECT '2026-05-14 10:00Z', 't' || n % 60, 'q' || n % 40, 'p' || n % 7, 'm' || n % 11, n, n
              FROM generate_series(1, 2000) AS n""")
        connection.execute("""
            INSERT INTO impact_ledger (created_at, updated_at, task_id, quest_id, layer, total_tokens, cost_usd, impact_score)
            SELECT '2026-05-14 10:00Z', now(), 't' || n % 60, 'q' || n % 40, 'l' || n % 5, n * 10, n, n % 3
              FROM generate_series(1, 500) AS n""")
    async with running(configure(database, tmp_path / "rollups", limits={"max_series": most}), Clock(NOW)) as exporter:
        await exporter.refresh()
        served = exporter.samples()
        assert sum(map(len, served.values())) <= most
        assert exporter.own("folded_series") > 0
        assert _series(exporter) == sum(map(len, served.values()))
    same_sums(served, database)


def _series(exporter: Exporter) -> float:
    """What the exporter itself says of the number of its series."""
    sections = ("allocation", "spend", "utilization", "providers", "efficiency", "waste", "report")
    return sum(exporter.own("series", section=section) for section in sections)
