"""The exporters of docs/scaling.md share the quests: their samples add up to those of one exporter over everything."""

import re
from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest

from exporter.config import Config, parse
from tests.conftest import ROOT
from tests.integration.page import Labels
from tests.integration.running import Clock, Samples, configure, running

PAGE = (ROOT / "docs/scaling.md").read_text(encoding="utf-8")
EXAMPLES = [text for text in re.findall(r"^```yaml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL) if text.startswith("shard:")]
NOW = datetime(2026, 3, 20, 15, 30, tzinfo=UTC)
# Calls and outcomes without a quest too; no task has two quests.
LEDGER = """
ALTER TABLE cost_ledger ALTER quest_id DROP NOT NULL;
ALTER TABLE impact_ledger ALTER quest_id DROP NOT NULL;
INSERT INTO quests
SELECT 'q' || n, 'Quest ' || n, CASE n % 2 WHEN 0 THEN 'Atlas' ELSE 'Forge' END FROM generate_series(1, 9) AS n;
INSERT INTO quest_budget_allocations SELECT 'q' || n, date '2026-03-20' - back, 10 * n, 1
  FROM generate_series(1, 9) AS n, generate_series(0, 5) AS back;
INSERT INTO cost_ledger (created_at, task_id, quest_id, provider, model, input_tokens, output_tokens, cost_usd)
SELECT timestamptz '2026-03-20 15:00Z' - n * interval '5 hours', 't' || n % 14, 'q' || nullif(n % 14, 0) % 9 + 1,
       CASE n % 3 WHEN 0 THEN 'codex' ELSE 'minimax' END, 'm' || n % 4, n, 2 * n, n * 0.0125
  FROM generate_series(1, 300) AS n;
INSERT INTO impact_ledger (created_at, updated_at, task_id, quest_id, layer, task_title, total_tokens, cost_usd, impact_score)
SELECT timestamptz '2026-03-20 12:00Z' - n * interval '1 day', now(), 't' || n, 'q' || nullif(n, 0) % 9 + 1, 'Atlas', 'Task',
       1000 * n, n, CASE n % 3 WHEN 0 THEN NULL ELSE n * 0.25 END
  FROM generate_series(0, 13) AS n;
"""
NOT_ADDED = ("_ratio", "_info", "_seconds")
PROJECTED = re.compile("resource_.*_projected_.*")


def part(number: int, ledger: str, directory: Path) -> Config:
    """The configuration on the page, or the other one that the page describes, with a database and a file."""
    text = EXAMPLES[0].replace("part-0", f"part-{number}").replace("& 1 = 0", f"& 1 = {number}")
    config = parse(text.replace("dsn_env: LEDGERS_DSN", f'dsn: "{ledger}"'), directory / "config.yml")
    return config.model_copy(update={"state": config.state.model_copy(update={"path": directory / f"part-{number}.duckdb"})})


async def served(config: Config) -> Samples:
    """What an exporter with this configuration serves."""
    async with running(config, Clock(NOW)) as exporter:
        await exporter.refresh()
        return exporter.samples()


def added_up(parts: list[Samples]) -> Samples:
    """The sums of the samples without the label ``shard``, or what they have in common."""
    sums: dict[str, dict[Labels, float]] = defaultdict(lambda: defaultdict(float))
    for each in parts:
        for name, family in each.items():
            for labels, value in family.items():
                key = frozenset(pair for pair in labels if pair[0] != "shard")
                sums[name][key] = value if name.endswith(NOT_ADDED) else sums[name][key] + value
    return sums


async def test_exporters_by_hash_of_the_quest_add_up(database: str, tmp_path: Path) -> None:
    with psycopg.connect(database) as connection:
        connection.execute(LEDGER)
    parts = [await served(part(number, database, tmp_path)) for number in (0, 1)]
    whole = await served(configure(database, tmp_path / "whole.duckdb"))
    sums = added_up(parts)
    assert sums.keys() == whole.keys()
    for name in whole.keys() - set(filter(PROJECTED.fullmatch, whole)):
        assert sums[name] == pytest.approx(whole[name], abs=1e-9), name
    quests = [{dict(labels)["quest_id"] for labels in each["resource_quest_spend_usd"]} for each in parts]
    assert quests[0].isdisjoint(quests[1])
    assert "unassigned" in quests[0] | quests[1]
    assert min(map(len, quests)) >= 3


@pytest.mark.parametrize("text", EXAMPLES)
def test_an_example_is_a_configuration_with_a_shard(text: str) -> None:
    assert parse(text, "config.yml").shard in {"part-0", "eu", "us"}
