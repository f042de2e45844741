"""A standby that takes the place of its primary, while the exporter runs on."""

from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from exporter.demo.postgres import Server
from tests.end_to_end.process import serving
from tests.faults.conftest import filled
from tests.faults.servers import administer, kill
from tests.faults.stage import QUICK, down, spend, until_exact
from tests.faults.test_standby import REPLICATION, following

CERTAIN = 'resource_exporter_ledger_watermark_certain{ledger="costs"} '
IN_STEP = "SELECT pg_last_wal_replay_lsn() >= %s::pg_lsn"
PROMOTE = "SELECT pg_promote()"
LOST = "INSERT INTO cost_ledger (id, created_at, provider, cost_usd) SELECT max(id) + 5, now(), 'lost', 900 FROM cost_ledger"


def in_step(primary: Server, standby: Server) -> bool:
    with psycopg.connect(primary.conninfo()) as one, psycopg.connect(standby.conninfo()) as other:
        [position] = one.execute("SELECT pg_current_wal_lsn()::text").fetchall()
        return bool(other.execute(IN_STEP, position).fetchall()[0][0])


def either(*servers: Server) -> str:
    """The connection string of the one of some servers that can be written to."""
    parts: list[dict[str, Any]] = [conninfo_to_dict(server.conninfo()) for server in servers]
    hosts = {name: ",".join(str(part[name]) for part in parts) for name in ("host", "port")}
    return make_conninfo(**(parts[0] | hosts), target_session_attrs="read-write")


@pytest.mark.slow
def test_the_standby_that_is_read_is_promoted(tmp_path: Path) -> None:
    with (
        filled(REPLICATION) as primary,
        following(primary) as standby,
        serving(tmp_path, standby.conninfo(), QUICK) as exporter,
    ):
        until_exact(exporter, primary.conninfo())
        exporter.until(lambda: f"{CERTAIN}0.0" in exporter.page())
        spend(primary.conninfo())
        exporter.until(lambda: in_step(primary, standby))
        kill(primary)
        administer(standby, PROMOTE)
        spend(standby.conninfo())
        until_exact(exporter, standby.conninfo())
        exporter.until(lambda: f"{CERTAIN}1.0" in exporter.page())


@pytest.mark.slow
def test_rows_that_the_new_primary_does_not_have_are_taken_back(tmp_path: Path) -> None:
    with (
        filled(REPLICATION) as primary,
        following(primary) as standby,
        serving(tmp_path, either(primary, standby), QUICK) as exporter,
    ):
        until_exact(exporter, primary.conninfo())
        standby.stop()
        administer(primary, LOST)
        until_exact(exporter, primary.conninfo())
        assert 'provider="lost"' in exporter.page()
        kill(primary)
        exporter.until(lambda: "costs" in down(exporter))
        standby.start()
        administer(standby, PROMOTE)
        spend(standby.conninfo())  # with the id of a row that is lost, or one below
        until_exact(exporter, standby.conninfo())
        assert 'provider="lost"' not in exporter.page()
