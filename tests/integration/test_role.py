"""The role of the documentation has exactly the privileges that the exporter needs."""

import io
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from exporter import backfill, check
from exporter.calendar import Calendar
from tests.conftest import ROOT
from tests.integration.running import Clock, configure, running

NOW = datetime(2026, 5, 14, 15, 20, tzinfo=UTC)
BLOCK = re.compile(r"^```sql\n(CREATE ROLE (\w+) .*?)^```$", re.MULTILINE | re.DOTALL)
((STATEMENTS, DOCUMENTED),) = BLOCK.findall((ROOT / "docs/operations.md").read_text(encoding="utf-8"))
# All privileges of PUBLIC are revoked, so that the role has only its own.
HARDENED = """
REVOKE ALL ON DATABASE {} FROM PUBLIC;
REVOKE ALL ON SCHEMA public FROM PUBLIC;
CREATE TABLE secrets (secret text);
CREATE SEQUENCE numbers;
INSERT INTO cost_ledger (created_at, provider, cost_usd) VALUES ('2026-05-14 10:00Z', 'p', 1);
"""
FORBIDDEN = (
    "SELECT * FROM secrets",
    "SELECT nextval('numbers')",
    "INSERT INTO quests VALUES ('q', 'Quest', 'Forge')",
    "UPDATE cost_ledger SET cost_usd = 0",
    "DELETE FROM impact_ledger",
    "TRUNCATE quest_budget_allocations",
    "ALTER TABLE quests ADD extra text",
    "DROP TABLE quests",
    "CREATE TABLE mine (n int)",
    "CREATE TEMP TABLE mine (n int)",
    "CREATE SCHEMA mine",
    "CREATE ROLE mine",
    "CREATE DATABASE mine",
    "COPY quests TO '/tmp/quests'",
    "COPY (SELECT 1) TO PROGRAM 'true'",
    "SELECT pg_read_file('PG_VERSION')",
    "SELECT pg_reload_conf()",
)


@pytest.fixture
def reader(database: str) -> Iterator[str]:
    """The connection string of a role created by that SQL, with another name of the role and of the database."""
    role, name = f"reader_{uuid4().hex}", str(conninfo_to_dict(database)["dbname"])
    statements = re.sub(rf"\b{DOCUMENTED}\b", role, STATEMENTS)
    statements = re.sub(r"\bDATABASE \w+", f"DATABASE {name}", statements)
    with psycopg.connect(database) as connection:
        connection.execute(sql.SQL(HARDENED).format(sql.Identifier(name)))
        connection.execute(statements.encode())
        connection.execute(sql.SQL("ALTER ROLE {} PASSWORD 'hunter2'").format(sql.Identifier(role)))
    yield make_conninfo(database, user=role, password="hunter2")
    with psycopg.connect(database) as connection:
        connection.execute(sql.SQL("DROP OWNED BY {0}; DROP ROLE {0}").format(sql.Identifier(role)))


async def test_the_documented_role_is_sufficient(reader: str, tmp_path: Path) -> None:
    config = configure(reader, tmp_path / "rollups")
    output = io.StringIO()
    assert await check.run(config, output) == 0
    assert "warning" not in output.getvalue()
    async with running(config, Clock(NOW)) as exporter:
        await exporter.refresh(2)
        assert list(exporter.samples()["resource_spend_usd"].values()) == [1]
    span = backfill.parse_span(Calendar(config.timezone), "2026-05-13", None, "1h", NOW)
    await backfill.run(config, span, backfill.Target("job", "instance"), tmp_path / "history.om")
    assert "resource_spend_usd{" in (tmp_path / "history.om").read_text()


def test_the_documented_role_has_no_other_privileges(reader: str) -> None:
    with psycopg.connect(reader, autocommit=True) as connection:
        connection.execute("SET default_transaction_read_only = off")  # as an attacker would
        for statement in FORBIDDEN:
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(statement.encode())
