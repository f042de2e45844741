"""A ledger that blocks chosen statements, so that a fault happens during a build, a refresh or an audit."""

import psycopg

from exporter.demo.postgres import Server
from tests.end_to_end.process import Exporter
from tests.faults.servers import CUT_OFF, administer

# COST: low, so that it is evaluated for every row, before other conditions.
_GATE = """
CREATE TABLE gate (statement text);
ALTER TABLE cost_ledger RENAME TO calls;
CREATE FUNCTION passed() RETURNS boolean LANGUAGE plpgsql COST 0.0001 AS $$
BEGIN
    PERFORM pg_sleep(600) FROM gate WHERE current_query() LIKE statement;
    RETURN true;
END $$;
CREATE VIEW cost_ledger AS SELECT * FROM calls WHERE passed();
"""
_WAITING = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'resource-exporter' AND wait_event = 'PgSleep'"
BUILD = "COPY%"
REFRESH = "%AS untimed%"
AUDIT = "%WITH ORDINALITY%"
"""LIKE patterns of the statements that read the calls: in a first build, first in a refresh, and in an audit."""


def set_up(server: Server) -> None:
    """Add the gate to the calls. Statements pass until the gate is closed for them."""
    with psycopg.connect(server.conninfo()) as connection:
        connection.execute(_GATE.encode())


def close(server: Server, statement: str) -> None:
    """Block statements that match the pattern for ten minutes."""
    administer(server, f"INSERT INTO gate VALUES ('{statement}')")


def until_waiting(exporter: Exporter, server: Server) -> None:
    """Wait until a statement of the exporter is blocked at the gate."""
    with psycopg.connect(server.conninfo(), autocommit=True) as connection:
        exporter.until(lambda: connection.execute(_WAITING).fetchall() == [(1,)])


def open_again(server: Server) -> None:
    """Let all new statements pass, and terminate the session of the blocked one."""
    administer(server, "DELETE FROM gate", CUT_OFF)
