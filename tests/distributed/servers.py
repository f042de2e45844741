"""PostgreSQL of the distribution, which has postgres_fdw, and ledgers whose rows are on another server."""

from collections.abc import Mapping
from pathlib import Path

import psycopg
import pytest

from exporter.demo.postgres import Server
from tests.conftest import CI, SCHEMA

INSTALLED = Path("/usr/lib/postgresql")
MISSING = "PostgreSQL of the distribution is not installed; to run these tests: apt-get install postgresql"
TIMED = ("cost_ledger", "impact_ledger")
MONTHS = range(1, 8)
BOUNDS = "FOR VALUES FROM ('2026-0{month}-01Z') TO ('2026-0{after}-01Z')"
# The server with the rows has them in partitions of a month too, so that each can be a partition elsewhere.
PARENT = """
ALTER TABLE {table} RENAME TO {table}_before;
CREATE TABLE {table} (LIKE {table}_before) PARTITION BY RANGE (created_at);
DROP TABLE {table}_before CASCADE;
"""
NUMBERED = """
CREATE SEQUENCE {table}_ids;
ALTER TABLE {table} ALTER id SET DEFAULT nextval('{table}_ids');
CREATE INDEX ON {table} (id);
CREATE INDEX ON {table} (created_at);
"""
PART = "CREATE TABLE {table}_{month} PARTITION OF {table} " + BOUNDS
FOREIGN_PART = "CREATE FOREIGN TABLE {table}_{month} PARTITION OF {table} " + BOUNDS + " SERVER elsewhere"
FOREIGN = "DROP TABLE {table} CASCADE; IMPORT FOREIGN SCHEMA public LIMIT TO ({table}) FROM SERVER elsewhere INTO public"
ELSEWHERE = """
CREATE EXTENSION postgres_fdw;
CREATE SERVER elsewhere FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '{host}', port '5432', dbname '{name}');
CREATE USER MAPPING FOR public SERVER elsewhere OPTIONS (user 'postgres');
"""


class DebianServer(Server):
    """A PostgreSQL of the distribution."""

    collation: tuple[str, ...] = ("--locale=C.UTF-8",)

    def __init__(self, directory: Path, settings: Mapping[str, str]) -> None:
        super().__init__(directory, settings)
        self._programs = _programs()


def _programs() -> Path:
    """Of the newest version. Where there is none, the test is skipped, but not in CI."""
    found = sorted(INSTALLED.glob("*/bin/initdb"), key=lambda path: int(path.parent.parent.name))
    if not found:
        (pytest.fail if CI else pytest.skip)(MISSING)
    return found[-1].parent


def create(server: Server, name: str) -> str:
    """Make a database with the tables of the scidex profile; returns its connection string."""
    run(server.conninfo(), f"CREATE DATABASE {name}")
    run(server.conninfo(name), SCHEMA.read_text())
    return server.conninfo(name)


def divide(conninfo: str, part: str, *, numbered: bool) -> None:
    """Put a partitioned table in the place of those of calls and outcomes, with a partition for each month."""
    for table in TIMED:
        run(conninfo, PARENT.format(table=table))
        for month in MONTHS:
            run(conninfo, part.format(table=table, month=month, after=month + 1))
        if numbered:
            run(conninfo, NUMBERED.format(table=table))


def link(conninfo: str, far: Server, name: str, *, parts: bool) -> None:
    """Have foreign tables in the place of all tables, or of the partitions of those of calls and outcomes."""
    run(conninfo, ELSEWHERE.format(host=far.directory, name=name))
    foreign = ["quest_budget_allocations", "quests"]
    if parts:
        divide(conninfo, FOREIGN_PART, numbered=False)
    else:
        foreign += TIMED
    for table in foreign:
        run(conninfo, FOREIGN.format(table=table))


def run(conninfo: str, statements: str) -> None:
    """Run statements in one transaction, or one that needs none."""
    with psycopg.connect(conninfo, autocommit=True) as connection:
        connection.execute(statements.encode())
