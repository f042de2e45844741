"""The graph of hourly spend over given series of two shards, one of which cannot be scraped for two hours."""

from pathlib import Path

import pytest

from tests.grafana.boards import asked
from tests.grafana.test_status import evaluate, series

LABELS = {"job": "fleet", "quest_id": "q1", "quest": "One", "layer": "Forge", "provider": "Codex", "model": "m1"}


@pytest.mark.prometheus("promtool")
def test_a_shard_that_returns_has_not_spent_what_it_had_spent_before(tmp_path: Path) -> None:
    given = [
        series("up", "1x400", job="fleet", instance="a"),
        series("up", "1x100 0x119 1x180", job="fleet", instance="b"),
        series("resource_spend_usd", "1000+0.25x400", instance="a", shard="eu", **LABELS),
        series("resource_spend_usd", "7000+0.5x100 stale _x118 7110+0.5x180", instance="b", shard="us", **LABELS),
    ]
    query = asked("resource-dashboard", "Spend per hour, by provider", job="fleet")
    checks = [
        (query, moment, [{"labels": '{provider="Codex"}', "value": value}])
        for moment, value in (("90m", 45), ("210m", 15), ("225m", 15 + 2.5), ("300m", 45))
    ]
    evaluate(tmp_path / "tests.yml", given, checks)
