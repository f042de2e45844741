"""On a standby nothing tells which transactions of the primary are open: a row committed late is found within a minute."""

from datetime import timedelta
from pathlib import Path

import psycopg
import pytest

from exporter.demo.postgres import Server
from exporter.demo.postgres import running as server
from exporter.sync import audit
from tests.conftest import SCHEMA
from tests.faults.servers import administer
from tests.faults.test_standby import REPLICATION, following
from tests.integration.books import read
from tests.integration.model import report
from tests.integration.rules import Settings
from tests.integration.running import Clock, Exporter, configure, differences, running
from tests.sources.test_plans import NOW, fill
from tests.waiting import until

CALL = "INSERT INTO cost_ledger (id, created_at, provider, cost_usd) VALUES (%s, %s, 'codex', 2)"
DRAW = "SELECT nextval('cost_ledger_id_seq')"
POLLS = 6
"""In which the low watermark passes all ids that it can, and in which the last hours are counted once."""


def replayed(primary: Server, standby: Server) -> None:
    count = "SELECT count(*) FROM cost_ledger"
    with psycopg.connect(primary.conninfo()) as one, psycopg.connect(standby.conninfo(), autocommit=True) as other:
        wanted = one.execute(count).fetchall()
        until(lambda: other.execute(count).fetchall() == wanted, lambda: "the standby does not follow")


async def refresh(exporter: Exporter, clock: Clock) -> None:
    for _ in range(POLLS):
        clock.now += timedelta(seconds=15)
        await exporter.refresh()


@pytest.mark.slow
async def test_a_row_that_is_committed_late_on_the_primary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit.Audit, "take", lambda *_: [])
    clock = Clock(NOW)
    with server(settings=REPLICATION) as primary:
        administer(primary, SCHEMA.read_text())
        fill(primary.conninfo(), days=40)
        with following(primary) as standby:
            async with running(configure(standby.conninfo(), tmp_path / "rollups"), clock) as exporter:
                await exporter.refresh()
                # Only once after a checkpoint and in 32 times, to draw an id makes a transaction count as running.
                administer(primary, DRAW, DRAW)
                with psycopg.connect(primary.conninfo()) as late:
                    number = late.execute(DRAW).fetchall()[0][0]
                    with psycopg.connect(primary.conninfo()) as connection:
                        connection.execute(CALL, [number + 1, NOW - timedelta(minutes=1)])
                    replayed(primary, standby)
                    late.execute(CALL, [number, NOW - timedelta(hours=3)])
                    await refresh(exporter, clock)
                replayed(primary, standby)
                await refresh(exporter, clock)
                found = differences(exporter.samples(), report(read(primary.conninfo()), Settings(), clock.now))
                assert found == []
