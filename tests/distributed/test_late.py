"""A row that is committed late on another server, below ids that were passed: it is found within a minute."""

from datetime import timedelta
from pathlib import Path

import psycopg
import pytest

from exporter.sync import audit
from tests.distributed.conftest import Linked
from tests.distributed.servers import run
from tests.distributed.test_linked import CALL, wrong
from tests.integration.running import Clock, configure, running
from tests.sources.test_plans import NOW, fill

POLLS = 4
"""In which the low watermark passes all ids that it can, and in which the last hours are counted once."""


@pytest.mark.slow
async def test_a_row_that_is_committed_late_elsewhere(linked: Linked, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit.Audit, "take", lambda *_: [])
    fill(linked.far, days=60)
    clock = Clock(NOW)
    async with running(configure(linked.near, tmp_path / "rollups"), clock) as exporter:
        await exporter.refresh()
        with psycopg.connect(linked.far) as late:
            late.execute(CALL.format(at="2026-06-15 09:00Z", task="late").encode())
            for _ in range(POLLS):
                run(linked.far, CALL.format(at="2026-06-15 12:29Z", task="new"))
                clock.now += timedelta(seconds=15)
                await exporter.refresh()
        for _ in range(POLLS):
            clock.now += timedelta(seconds=15)
            await exporter.refresh()
        assert wrong(exporter, linked, clock) == []
