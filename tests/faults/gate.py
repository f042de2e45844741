"""A ledger that is slow where a test wants it to be, so that a fault comes in the middle of what the exporter does."""

import psycopg

from exporter.demo.postgres import Server
from tests.end_to_end.process import Exporter
from tests.faults.servers import CUT_OFF, administer

# COST: asked for every row that is read, before any other condition.
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
REFRESH = "%GROUP BY 1, 2%"
AUDIT = "%sum(checksum)::numeric%"
"""What the statements are like that read the calls in a first build, first of all in a refresh, and in an audit."""


def set_up(server: Server) -> None:
    """Put the gate before the calls. Statements pass until it is closed for them."""
    with psycopg.connect(server.conninfo()) as connection:
        connection.execute(_GATE.encode())


def close(server: Server, statement: str) -> None:
    """Let statements like this one wait for ten minutes."""
    administer(server, f"INSERT INTO gate VALUES ('{statement}')")


def until_waiting(exporter: Exporter, server: Server) -> None:
    """Until a statement of the exporter stands at the gate."""
    with psycopg.connect(server.conninfo(), autocommit=True) as connection:
        exporter.until(lambda: connection.execute(_WAITING).fetchall() == [(1,)])


def open_again(server: Server) -> None:
    """Let every statement pass that comes from now on, and cut off the one that waits."""
    administer(server, "DELETE FROM gate", CUT_OFF)
