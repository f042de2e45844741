"""Ledgers that Citus distributes over two workers: followed exactly, also rows that come late by way of a worker."""

import os
import socket
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from exporter.demo.postgres import Server
from exporter.demo.postgres import running as server
from exporter.sources.catalog import inspect
from exporter.sources.database import Database
from exporter.sources.mapping import Source
from exporter.sync import audit
from tests.conftest import SCHEMA
from tests.distributed.servers import DebianServer, run
from tests.integration.books import read
from tests.integration.model import report
from tests.integration.rules import Settings
from tests.integration.running import Clock, Exporter, configure, differences, running
from tests.sources.test_plans import NOW, fill, statements_of

PROGRAMS = os.environ.get("RESOURCE_EXPORTER_CITUS_PROGRAMS")
"""The directory of the programs of a PostgreSQL with Citus."""
REASON = "Citus is in no package registry: build it, and set RESOURCE_EXPORTER_CITUS_PROGRAMS to its PostgreSQL's directory bin"
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "wal_level": "logical",
    "max_wal_senders": "4",
    "shared_preload_libraries": "citus",
    "citus.node_conninfo": "sslmode=disable",
    "citus.shard_count": "8",
}
DISTRIBUTE = """
ALTER TABLE quest_budget_allocations DROP CONSTRAINT quest_budget_allocations_quest_id_fkey;
ALTER TABLE cost_ledger DROP CONSTRAINT cost_ledger_pkey;
ALTER TABLE impact_ledger DROP CONSTRAINT impact_ledger_pkey;
CREATE INDEX ON cost_ledger (id);
CREATE INDEX ON impact_ledger (id);
SELECT create_distributed_table('cost_ledger', 'task_id'), create_distributed_table('impact_ledger', 'task_id'),
       create_distributed_table('quest_budget_allocations', 'quest_id'), create_reference_table('quests');
"""
CALL = "INSERT INTO cost_ledger (id, created_at, task_id, quest_id, provider, cost_usd) VALUES (%s, %s, %s, 'q1', 'codex', 2)"
POLLS = 6
pytestmark = [pytest.mark.slow, pytest.mark.skipif(not PROGRAMS, reason=REASON)]


class CitusServer(DebianServer):
    """A PostgreSQL with Citus."""

    def __init__(self, directory: Path, settings: Mapping[str, str]) -> None:
        super().__init__(directory, settings)
        self._programs = Path(PROGRAMS or "")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self._settings["port"] = str(free.getsockname()[1])

    @property
    def port(self) -> str:
        """Where it listens."""
        return self._settings["port"]


@pytest.fixture(scope="module")
def cluster() -> Iterator[list[Server]]:
    """The coordinator, with 40 days of ledgers, and two workers."""
    with ExitStack() as stack:
        nodes = [stack.enter_context(server(settings=SETTINGS, kind=CitusServer)) for _ in range(3)]
        for node in nodes:
            run(node.conninfo(), "CREATE EXTENSION citus")
        coordinator, *workers = (node for node in nodes if isinstance(node, CitusServer))
        run(coordinator.conninfo(), f"SELECT citus_set_coordinator_host('127.0.0.1', {coordinator.port})")
        for worker in workers:
            run(coordinator.conninfo(), f"SELECT citus_add_node('127.0.0.1', {worker.port})")
        run(coordinator.conninfo(), SCHEMA.read_text())
        run(coordinator.conninfo(), DISTRIBUTE)
        fill(coordinator.conninfo(), days=40)
        yield nodes


@pytest.mark.parametrize("ledger", ["costs", "impacts", "allocations"])
async def test_every_statement_is_planned(cluster: list[Server], tmp_path: Path, ledger: str) -> None:
    config = configure(cluster[0].conninfo(), tmp_path / "rollups")
    async with Database(config.databases["main"], timedelta(seconds=20)) as database, database.transaction() as transaction:
        source = Source(config.ledgers[ledger], await inspect(transaction, config.ledgers[ledger]))
        assert source.table.remote
        for statement, parameters in statements_of(source):
            rows = await transaction.rows(sql.SQL("EXPLAIN ") + statement, **parameters)
            assert "Citus Adaptive" in str(rows)


async def refresh(exporter: Exporter, clock: Clock) -> None:
    for _ in range(POLLS):
        clock.now += timedelta(seconds=15)
        await exporter.refresh()


async def test_a_distributed_ledger_is_exact(cluster: list[Server], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit.Audit, "take", lambda *_: [])
    coordinator, worker, _ = cluster
    clock = Clock(NOW)

    def wrong() -> list[str]:
        return differences(exporter.samples(), report(read(coordinator.conninfo()), Settings(), clock.now))

    async with running(configure(coordinator.conninfo(), tmp_path / "rollups"), clock) as exporter:
        await exporter.refresh()
        assert wrong() == []
        with psycopg.connect(worker.conninfo()) as late:
            late.execute(CALL, [9001, NOW - timedelta(hours=3), "late"])
            with psycopg.connect(coordinator.conninfo()) as connection:
                connection.execute(CALL, [9002, NOW - timedelta(minutes=1), "new"])
            await refresh(exporter, clock)
        await refresh(exporter, clock)
        assert wrong() == []
        worker.stop()
        assert await exporter.last_errors(1)
        worker.start()
        with psycopg.connect(coordinator.conninfo()) as connection:
            connection.execute(CALL, [9003, NOW, "after"])
        await exporter.last_errors(1)  # in which broken connections are found
        await exporter.refresh()
        assert wrong() == []
