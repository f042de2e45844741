"""A hundred thousand providers, models, quests and tasks within an hour: series and memory stay within their limits."""

import re
from pathlib import Path

import psycopg
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.end_to_end.process import serving

FLOOD = """
INSERT INTO quests SELECT 'q' || n, 'Quest ' || n, 'layer ' || n FROM generate_series(1, 100000) AS n;
INSERT INTO quest_budget_allocations (quest_id, day, allocated_usd)
SELECT 'q' || n, current_date - 1 + day, 0.01 * n FROM generate_series(1, 100000) AS n, generate_series(0, 2) AS day;
INSERT INTO cost_ledger (created_at, provider, model, quest_id, task_id, cost_usd, input_tokens)
SELECT now() - n * interval '30 ms', 'p' || n, 'm' || n, 'q' || n, 't' || n, 0.01 * n, n FROM generate_series(1, 100000) AS n;
INSERT INTO impact_ledger (created_at, updated_at, task_id, quest_id, layer, total_tokens, cost_usd, impact_score)
SELECT now() - n * interval '30 ms', now(), 't' || n, 'q' || n, 'layer ' || n, 5000, 0.02 * n, 0.1
  FROM generate_series(1, 100000) AS n;
"""
CALLS = 100_000
SPENT = 0.01 * CALLS * (CALLS + 1) / 2
LIFETIME = ("window", "lifetime")
MEGABYTE = 2**20


@pytest.mark.slow
def test_a_flood_of_names_is_folded(tmp_path: Path, database: str) -> None:
    with psycopg.connect(database) as connection:
        connection.execute(FLOOD)
    with serving(tmp_path, database) as exporter:
        exporter.until(lambda: 'resource_exporter_refreshes_total{outcome="success"} 0.0' not in exporter.page())
        page = exporter.page()
        peak = int(re.findall(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{exporter.process.pid}/status").read_text())[0]) * 1024
    families = {family.name: family.samples for family in text_string_to_metric_families(page)}

    def total(name: str, *wanted: tuple[str, str]) -> float:
        return sum(sample.value for sample in families[name] if sample.labels.items() >= set(wanted))

    assert sum(len(found) for name, found in families.items() if not name.startswith("resource_exporter_")) < 50_100
    assert total("resource_calls") == total("resource_provider_calls", LIFETIME) == CALLS
    assert total("resource_tokens", ("token_type", "input")) == CALLS * (CALLS + 1) / 2
    for spent in (
        total("resource_spend_usd"),
        total("resource_quest_spend_usd", LIFETIME),
        total("resource_model_spend_usd", LIFETIME),
    ):
        assert spent == pytest.approx(SPENT)
    assert total("resource_quest_allocation_usd") == pytest.approx(SPENT)
    assert (
        total("resource_quest_wasted_usd", LIFETIME)
        == total("resource_provider_wasted_usd", LIFETIME)
        == pytest.approx(2 * SPENT)
    )
    assert total("resource_provider_tasks", LIFETIME) == CALLS
    assert len({sample.labels["provider"] for sample in families["resource_provider_calls"]}) == 51
    assert total("resource_exporter_folded_series") > 1_000_000
    assert peak < 600 * MEGABYTE
