"""Several databases fail at the same time in different ways, and none affects the others."""

from contextlib import ExitStack
from pathlib import Path

import pytest
from psycopg.conninfo import make_conninfo

from bench.soak.network import Mode, network
from exporter.demo.postgres import Server
from tests.end_to_end.process import Exporter, serving
from tests.faults.servers import CUT_OFF, administer, frozen, killed
from tests.faults.stage import connections, down, last_errors, until_exact
from tests.integration.running import parsed

pytestmark = pytest.mark.slow
CONFIG = """\
databases:
  costs: {{dsn_file: costs.dsn}}
  impacts: {{dsn_file: impacts.dsn}}
  allocations: {{dsn_file: allocations.dsn}}
  quests: {{dsn_file: quests.dsn}}
ledgers:
  costs: {{database: costs}}
  impacts: {{database: impacts}}
  allocations: {{database: allocations}}
  quests: {{database: quests}}
timezone: {timezone}
refresh: {{interval: 200ms, statement_timeout: 1s, stale_after: 4s}}
"""
SILENT = "the server stopped answering"
POOL = 2


def until_allocated(exporter: Exporter, server: Server, usd: float) -> None:
    """Wait until a new allocation is served."""
    administer(server, f"UPDATE quest_budget_allocations SET allocated_usd = {usd} WHERE quest_id = 'q1'")
    exporter.until(lambda: f'layer="Atlas"}} {usd}' in exporter.page())


def until_withdrawn(exporter: Exporter, *metrics: str) -> None:
    """Wait until these families are withdrawn, because their ledger was not read for too long."""
    exporter.until(lambda: parsed(exporter.page()).keys().isdisjoint(metrics))


def write(directory: Path, **conninfos: str) -> None:
    """Write the connection string of each database."""
    for ledger, conninfo in conninfos.items():
        (directory / f"{ledger}.dsn").write_text(conninfo)


def test_servers_that_do_not_respond(tmp_path: Path, server: Server, victim: Server) -> None:
    here, there = server.conninfo(), victim.conninfo()
    with ExitStack() as stack:
        silent, reset, slow = (stack.enter_context(network(here)) for _ in range(3))
        write(tmp_path, costs=silent.conninfo, impacts=there, allocations=slow.conninfo, quests=reset.conninfo)
        exporter = stack.enter_context(serving(tmp_path, "", CONFIG))
        until_exact(exporter, here)
        with frozen(victim), silent.failing(Mode.SILENT), reset.failing(Mode.RESET), slow.failing(Mode.SLOW):
            exporter.until(lambda: down(exporter) == {"costs", "impacts", "quests"})
            until_withdrawn(exporter, "resource_spend_usd", "resource_quest_impact_score")
            until_allocated(exporter, server, 77.5)
            assert connections(here) <= 3 * POOL
        until_exact(exporter, here)
        said = last_errors(exporter)
    assert said["costs"] == said["impacts"] == [SILENT]
    assert all("connection" in reason.lower() for reason in said["quests"])  # failed, or reset during a response
    assert "allocations" not in said


def test_servers_that_refuse_connections(tmp_path: Path, server: Server, victim: Server) -> None:
    here, there = server.conninfo(), victim.conninfo()
    administer(server, "CREATE ROLE guest LOGIN IN ROLE reader")
    reader, guest = make_conninfo(here, user="reader", password="hunter2"), make_conninfo(here, user="guest")
    write(tmp_path, costs=there, impacts=guest, allocations=reader, quests=here)
    reasons = {
        "allocations": 'password authentication failed for user "reader"',
        "impacts": 'too many connections for role "guest"',
        "costs": "Connection refused",
    }
    with serving(tmp_path, "", CONFIG) as exporter:
        until_exact(exporter, here)
        with killed(victim):
            administer(server, "ALTER ROLE guest CONNECTION LIMIT 0", "ALTER ROLE reader PASSWORD 'hunter3'", CUT_OFF)
            exporter.until(lambda: down(exporter) == {"costs", "impacts", "allocations"})
            until_withdrawn(exporter, "resource_spend_usd", "resource_quest_impact_score", "resource_quest_allocation_usd")
            exporter.until(lambda: all(reason in " ".join(last_errors(exporter)[name]) for name, reason in reasons.items()))
        administer(server, "ALTER ROLE guest CONNECTION LIMIT -1")
        write(tmp_path, allocations=make_conninfo(reader, password="hunter3"))
        until_exact(exporter, here)
        assert "hunter" not in exporter.log.read_text() + exporter.page()
