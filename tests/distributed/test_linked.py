"""A ledger by foreign tables or foreign partitions is followed like one of its own, also after the other server was down."""

from datetime import timedelta
from pathlib import Path

import pytest

from tests.distributed.conftest import Linked
from tests.distributed.servers import run
from tests.integration.books import read
from tests.integration.model import report
from tests.integration.rules import Settings
from tests.integration.running import Clock, Exporter, configure, differences, running
from tests.sources.test_plans import NOW, fill

CALL = "INSERT INTO cost_ledger (created_at, task_id, quest_id, provider, cost_usd) VALUES ('{at}', '{task}', 'q1', 'codex', 2)"
CHANGES = """
INSERT INTO impact_ledger (created_at, updated_at, task_id, quest_id, layer, task_title, total_tokens, cost_usd, impact_score)
VALUES ('2026-06-15 12:29Z', '2026-06-15 12:29Z', 'new', 'q1', 'Atlas', 'New', 5000, 2, NULL);
UPDATE impact_ledger SET impact_score = 9, updated_at = '2026-06-15 12:30Z' WHERE task_id = 't100';
UPDATE cost_ledger SET cost_usd = 7 WHERE created_at = '2026-06-15 12:29Z';
DELETE FROM cost_ledger WHERE created_at = '2026-06-15 12:28Z';
UPDATE quest_budget_allocations SET allocated_usd = 3 WHERE day = '2026-06-14';
UPDATE quests SET name = 'Renamed' WHERE id = 'q2';
"""


def wrong(exporter: Exporter, linked: Linked, clock: Clock) -> list[str]:
    return differences(exporter.samples(), report(read(linked.far), Settings(), clock.now))


@pytest.mark.slow
async def test_a_linked_ledger_is_exact(linked: Linked, tmp_path: Path) -> None:
    fill(linked.far, days=60)
    clock = Clock(NOW)
    async with running(configure(linked.near, tmp_path / "rollups"), clock) as exporter:
        await exporter.refresh()
        assert wrong(exporter, linked, clock) == []
        for minute in (27, 28, 29):
            run(linked.far, CALL.format(at=f"2026-06-15 12:{minute}Z", task=f"new-{minute}"))
        await exporter.refresh()
        assert wrong(exporter, linked, clock) == []
        run(linked.far, CHANGES)
        clock.now += timedelta(seconds=15)
        await exporter.refresh()
        assert wrong(exporter, linked, clock) == []
        linked.server.stop()
        assert set(await exporter.last_errors(1)) == {"allocations", "costs", "impacts", "quests"}
        linked.server.start()
        run(linked.far, CALL.format(at="2026-06-15 12:30Z", task="after"))
        await exporter.attempt()  # in which the broken connection is found
        await exporter.refresh()
        assert wrong(exporter, linked, clock) == []
