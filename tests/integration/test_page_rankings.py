"""The page ranks the first tasks of all quests, and not the first of each, which the metrics have too."""

from datetime import UTC, datetime
from pathlib import Path

import psycopg

from tests.integration.running import Clock, configure, running

NOW = datetime(2026, 5, 14, 15, 20, tzinfo=UTC)
ROWS = """
INSERT INTO impact_ledger (created_at, updated_at, task_id, quest_id, layer, total_tokens, cost_usd, impact_score)
SELECT '2026-05-14 10:00Z', now(), kind || quest, 'q' || quest, 'Forge', 5000 + quest, 2 + quest, impact
  FROM generate_series(1, 3) AS quest, (VALUES ('good-', 1), ('bad-', 0)) AS tasks (kind, impact);
"""


async def test_the_page_ranks_as_many_tasks_as_the_report(database: str, tmp_path: Path) -> None:
    with psycopg.connect(database) as connection:
        connection.execute(ROWS)
    async with running(configure(database, tmp_path / "rollups", report={"top": 2}), Clock(NOW)) as exporter:
        await exporter.refresh()
        page, snapshot = exporter.dashboard(), exporter._publisher.snapshot
    assert snapshot is not None
    assert snapshot.top == 2
    assert [task for task in ("good-1", "good-2", "good-3", "bad-3", "bad-2", "bad-1") if f'title="{task}"' in page] == [
        "good-1",
        "good-2",
        "bad-3",
        "bad-2",
    ]
