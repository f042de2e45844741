"""What the exporter shows of the demo's ledgers: there is something to see in each part of the dashboards."""

import os
from pathlib import Path
from typing import Any

import pytest

from exporter.config import parse
from exporter.demo import History, config_text
from exporter.demo.postgres import Server
from exporter.sections import available
from tests.demo.conftest import NOW
from tests.integration.page import Labels
from tests.integration.running import Clock, Samples, running


@pytest.fixture
async def shown(server: Server, history: History, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Samples:
    """All samples of the history, at its end."""
    monkeypatch.setitem(os.environ, "DEMO_DSN", server.conninfo())
    config = parse(config_text("DEMO_DSN", tmp_path / "rollups"), "demo.yml")
    async with running(config, Clock(NOW)) as exporter:
        await exporter.refresh(2)
        samples = exporter.samples()
    assert samples.keys() == {metric.name for metric in available(config.ledgers)}
    assert sum(samples["resource_calls"].values()) == history.calls
    return samples


def _where(samples: dict[Labels, Any], *kept: str, **labels: str) -> dict[tuple[str, ...], float]:
    """The samples with these labels, by the labels that are kept; those that differ in others are added up."""
    found: dict[tuple[str, ...], float] = {}
    for key, value in samples.items():
        values = dict(key)
        if labels.items() <= values.items():
            place = tuple(values[name] for name in kept)
            found[place] = found.get(place, 0) + float(value)
    return found


async def test_there_is_something_to_see_everywhere(shown: Samples) -> None:
    _some_days_are_over_budget(shown)
    _quests_are_idle_or_over_budget_or_without_one(shown)
    periods = _where(shown["resource_quest_budget_usd"], "period")
    assert periods.keys() == {("day",), ("week",), ("month",), ("quarter",)}
    for window in ("1d", "7d", "30d", "lifetime"):
        wasted = _where(shown["resource_quest_wasted_usd"], "reason", window=window)
        assert {reason for (reason,), usd in wasted.items() if usd > 0} == {"unscored", "low_impact"}


def _some_days_are_over_budget(shown: Samples) -> None:
    allocated = _where(shown["resource_day_allocation_usd"], "day")
    spent = _where(shown["resource_day_spend_usd"], "day")
    assert len(allocated) == 30
    assert 3 <= sum(spent[day] > usd for day, usd in allocated.items()) <= 10


def _quests_are_idle_or_over_budget_or_without_one(shown: Samples) -> None:
    allocated = _where(shown["resource_quest_allocation_usd"], "quest_id")
    today, week = (_where(shown["resource_quest_spend_usd"], "quest_id", window=window) for window in ("1d", "7d"))
    assert {quest for quest, usd in week.items() if not usd} == {("trial-atlas",)}
    assert allocated["trial-atlas",] > 0
    assert {quest for quest, usd in today.items() if usd and quest not in allocated} == {("simulation-bench",)}
    assert today["knowledge-graph",] > allocated["knowledge-graph",]
    assert sum(0.7 < today[quest] / usd < 1 for quest, usd in allocated.items()) >= 1
