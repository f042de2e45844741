"""The impact of a task is shared out to providers by spend, else by tokens, else by calls."""

from datetime import UTC, datetime
from pathlib import Path

import psycopg

from tests.integration.books import read
from tests.integration.model import report
from tests.integration.rules import Settings
from tests.integration.running import Clock, Exporter, configure, differences, running

NOW = datetime(2026, 5, 14, 15, 20, tzinfo=UTC)
CALLS = """
INSERT INTO cost_ledger (created_at, task_id, provider, input_tokens, output_tokens, cost_usd)
SELECT timestamptz '2026-05-14 10:00Z', * FROM (VALUES
    ('paid', 'dear', 0, 0, 3), ('paid', 'cheap', 0, 0, 1), ('paid', 'free', 9000, 9000, 0),
    ('tokens', 'one', 200, 100, 0), ('tokens', 'two', 60, 40, NULL), ('tokens', 'idle', 0, 0, 0),
    ('calls', 'one', 0, 0, 0), ('calls', 'one', NULL, NULL, 0), ('calls', 'one', 0, 0, NULL), ('calls', 'two', 0, 0, 0),
    ('credited', 'two', 10, 0, -5)) AS calls
"""
JUDGEMENTS = """
INSERT INTO impact_ledger (created_at, updated_at, task_id, total_tokens, cost_usd, impact_score)
SELECT timestamptz '2026-05-14 11:00Z', timestamptz '2026-05-14 11:00Z', task, 5000, 8, impact FROM (VALUES
    ('paid', 8), ('tokens', 80), ('calls', 800), ('credited', 8000), ('nothing', 80000)) AS judged (task, impact)
"""


def impact(exporter: Exporter, window: str) -> dict[str, float]:
    """The impact of each provider in a window."""
    found = exporter.samples()["resource_provider_impact_score"]
    return {dict(labels)["provider"]: score for labels, score in found.items() if ("window", window) in labels}


async def test_a_task_without_spend_is_shared_out_by_tokens_then_by_calls(database: str, tmp_path: Path) -> None:
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(CALLS)
        connection.execute(JUDGEMENTS)
        async with running(configure(database, tmp_path / "rollups"), Clock(NOW)) as exporter:
            await exporter.refresh()
            wanted = {"dear": 6, "cheap": 2, "one": 60 + 600, "two": 20 + 200 + 8000, "unknown": 80000}
            assert {window: impact(exporter, window) for window in ("7d", "lifetime")} == {"7d": wanted, "lifetime": wanted}
            assert differences(exporter.samples(), report(read(database), Settings(), NOW)) == []
            # From its first cent on, the task is shared out by spend.
            connection.execute(
                "INSERT INTO cost_ledger (created_at, task_id, provider, cost_usd)"
                " VALUES ('2026-05-14 15:19Z', 'tokens', 'two', 0.01), ('2026-05-14 15:19Z', 'nothing', 'late', 0)"
            )
            await exporter.refresh()
            wanted |= {"one": 600, "two": 80 + 200 + 8000, "late": 80000}
            del wanted["unknown"]
            assert {window: impact(exporter, window) for window in ("7d", "lifetime")} == {"7d": wanted, "lifetime": wanted}
            assert differences(exporter.samples(), report(read(database), Settings(), NOW)) == []
