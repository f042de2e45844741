"""Faults of tables, roles and servers while one exporter is running: it reports the ledgers concerned and recovers."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from exporter.demo.postgres import Server
from tests.end_to_end.process import Exporter, serving
from tests.faults.servers import CUT_OFF, administer, kill
from tests.faults.stage import QUICK, Held, connections, down, held, last_errors, spend, until_exact

CONFIG = QUICK.replace("dsn_env: LEDGERS_DSN", "dsn_file: dsn")
COSTS = frozenset({"costs"})
POOL = 2


@dataclass(frozen=True)
class Fault:
    """Statements that break ledgers, the expected error of each ledger, and statements that fix them."""

    breaking: Sequence[str]
    said: str
    mending: Sequence[str]
    down: frozenset[str] = COSTS


FAULTS = {
    "a table is dropped and made again": Fault(
        ("CREATE TABLE spare (LIKE cost_ledger)", "INSERT INTO spare TABLE cost_ledger", "DROP TABLE cost_ledger"),
        "table cost_ledger does not exist in database main",
        ("ALTER TABLE spare RENAME TO cost_ledger", "GRANT SELECT ON cost_ledger TO reader"),
    ),
    "a type no longer fits": Fault(
        ("ALTER TABLE cost_ledger RENAME cost_usd TO spare", "ALTER TABLE cost_ledger ADD cost_usd text"),
        "column cost_usd of table cost_ledger is of type text, which cannot hold cost_usd",
        ("ALTER TABLE cost_ledger DROP COLUMN cost_usd", "ALTER TABLE cost_ledger RENAME spare TO cost_usd"),
    ),
    "a column is dropped": Fault(
        ("CREATE TABLE spare AS SELECT id, model FROM cost_ledger", "ALTER TABLE cost_ledger DROP COLUMN model"),
        "column model of table cost_ledger does not exist",
        (
            "ALTER TABLE cost_ledger ADD COLUMN model text",
            "UPDATE cost_ledger SET model = spare.model FROM spare WHERE spare.id = cost_ledger.id",
            "DROP TABLE spare",
        ),
    ),
    "rights to a table are revoked": Fault(
        ("REVOKE SELECT ON cost_ledger FROM reader",),
        "role reader may not read table cost_ledger",
        ("GRANT SELECT ON cost_ledger TO reader",),
    ),
    "rights to a schema are revoked": Fault(
        ("REVOKE USAGE ON SCHEMA public FROM public",),
        "table public.cost_ledger is in a schema that role reader may not use",
        ("GRANT USAGE ON SCHEMA public TO public",),
        frozenset({"allocations", "costs", "impacts", "quests"}),
    ),
}


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("exporter")


@pytest.fixture(scope="module")
def exporter(server: Server, directory: Path) -> Iterator[Exporter]:
    """One exporter for all tests of this file: it must have recovered from earlier faults."""
    write_password(server, directory, "hunter2")
    with serving(directory, "", CONFIG) as exporter:
        yield exporter


def write_password(server: Server, directory: Path, password: str) -> None:
    (directory / "dsn").write_text(make_conninfo(server.conninfo(), user="reader", password=password))


@pytest.fixture(autouse=True)
def exact(server: Server, exporter: Exporter) -> Iterator[None]:
    """Wait for exact samples before the test and after it."""
    until_exact(exporter, server.conninfo())
    yield
    spend(server.conninfo())
    until_exact(exporter, server.conninfo())
    assert "Traceback" not in exporter.log.read_text()
    assert "hunter" not in exporter.log.read_text() + exporter.page()


@pytest.mark.parametrize("name", FAULTS)
def test_other_ledgers_are_still_read(server: Server, exporter: Exporter, name: str) -> None:
    fault = FAULTS[name]
    before = exporter.data()
    administer(server, *fault.breaking)
    try:
        exporter.until(lambda: down(exporter) == fault.down and fault.said in last_errors(exporter)["costs"][-1])
        assert exporter.data() == before
    finally:
        administer(server, *fault.mending)


def test_a_locked_table(server: Server, exporter: Exporter) -> None:
    with psycopg.connect(server.conninfo()) as other:
        other.execute("LOCK TABLE impact_ledger IN ACCESS EXCLUSIVE MODE")
        exporter.until(lambda: down(exporter) == {"impacts"})
        assert "canceling statement due to lock timeout" in last_errors(exporter)["impacts"][-1]


def test_a_password_that_changes_and_changes_back(server: Server, exporter: Exporter, directory: Path) -> None:
    for password in ("hunter3", "hunter2"):
        administer(server, f"ALTER ROLE reader PASSWORD '{password}'")
        write_password(server, directory, password)
        administer(server, CUT_OFF)
        spend(server.conninfo())
        until_exact(exporter, server.conninfo())


@pytest.mark.slow
def test_ten_crashes_leave_nothing_behind(server: Server, exporter: Exporter) -> None:
    conninfo, after = server.conninfo(), Held(0, 0, 0)
    for times in range(10):
        kill(server)
        server.start()
        spend(conninfo)
        until_exact(exporter, conninfo)
        assert connections(conninfo) <= POOL
        after = after if times else held(exporter, conninfo)._replace(unused=0)
    exporter.until(lambda: held(exporter, conninfo) == after)
