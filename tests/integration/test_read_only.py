"""The exporter never writes to the database of a ledger, even with a superuser role or a filter that tries to write."""

import io
import re
from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql

from exporter import backfill, check
from exporter.calendar import Calendar
from exporter.config import Config
from exporter.demo.postgres import running as server
from tests.conftest import SCHEMA
from tests.integration.running import LEDGERS, Clock, configure, running

NOW = datetime(2026, 5, 14, 15, 20, tzinfo=UTC)
VICTIM = """
CREATE TABLE victim (n int);
CREATE SEQUENCE numbers;
CREATE FUNCTION written() RETURNS bool LANGUAGE plpgsql AS 'BEGIN INSERT INTO victim VALUES (1); RETURN true; END';
CREATE FUNCTION unlocked() RETURNS bool LANGUAGE plpgsql AS 'BEGIN SET TRANSACTION READ WRITE; RETURN true; END';
INSERT INTO cost_ledger (created_at, provider, cost_usd) VALUES ('2026-05-14 10:00Z', 'p', 1);
INSERT INTO quests VALUES ('q', 'Quest', 'Forge');
"""
# A function that says of itself what it does not keep.
SETTING = """
CREATE FUNCTION setting(name text) RETURNS bool STABLE LANGUAGE sql AS $$ SELECT set_config(name, 'off', false) = 'off' $$;
"""
STATE = """
SELECT (SELECT count(*) FROM pg_class), (SELECT count(*) FROM victim), (SELECT is_called FROM numbers),
       (SELECT count(*) FROM pg_largeobject_metadata), (SELECT count(*) FROM pg_db_role_setting)
"""
# Closes the parentheses of a count of rows, and opens them again.
SECOND_STATEMENT = "true); COMMIT; DROP TABLE victim; SELECT (1"
# The same for the COPY of the ledger of quests.
SECOND_COPY = (
    "true)) AS entries) TO STDOUT; COMMIT; DROP TABLE victim;"
    " COPY (SELECT FROM (SELECT '' AS quest_id, '' AS name, '' AS layer WHERE (true"
)
WRITING = (
    ("costs", SECOND_STATEMENT),
    ("quests", SECOND_COPY),
    ("quests", "true; DROP TABLE victim"),
    ("costs", "nextval('numbers') > 0"),
    ("costs", "lo_create(0) > 0"),
    ("quests", "written()"),
    ("costs", "unlocked()"),
    ("quests", "set_config('transaction_read_only', 'off', false) = 'off'"),
)


def state(conninfo: str) -> Any:  # noqa: ANN401 - a row of whatever
    with psycopg.connect(conninfo, autocommit=True) as connection:
        return connection.execute(STATE.encode()).fetchone()


def filtered(ledger: str, condition: str) -> dict[str, Any]:
    """All ledgers, one of them with a filter."""
    return {name: {"database": "main"} | ({"filter": condition} if name == ledger else {}) for name in LEDGERS}


async def checked(config: Config) -> list[str]:
    """The output of check for ledgers that cannot be read."""
    output = io.StringIO()
    await check.run(config, output)
    lines = output.getvalue().splitlines()
    return [line for number, line in enumerate(lines) if number and lines[number - 1].startswith("error ")]


async def refreshed(config: Config) -> dict[str, str]:
    """The errors by ledger after two refreshes."""
    async with running(config, Clock(NOW)) as exporter:
        return await exporter.last_errors()


async def filled(config: Config, output: Path) -> None:
    span = backfill.parse_span(Calendar(config.timezone), "2026-05-13", None, "1h", NOW)
    await backfill.run(config, span, backfill.Target("job", "instance"), output)


@pytest.mark.parametrize("ledger, condition", WRITING)
async def test_a_filter_that_writes_changes_nothing_and_is_an_error(
    database: str, tmp_path: Path, ledger: str, condition: str
) -> None:
    with psycopg.connect(database) as connection:
        connection.execute(VICTIM)
    before = state(database)
    config = configure(database, tmp_path / "rollups", ledgers=filtered(ledger, condition))
    assert len(await checked(config)) == 1
    assert (await refreshed(config)).keys() == {ledger}
    with pytest.raises(backfill.BackfillError, match=f"^ledger {ledger} cannot be read: "):
        await filled(config, tmp_path / "history.om")
    assert state(database) == before


async def test_a_setting_changed_by_a_filter_ends_with_the_transaction(database: str, tmp_path: Path) -> None:
    with psycopg.connect(database) as connection:
        connection.execute(SETTING)
    condition = "setting('default_transaction_read_only') AND setting('enable_sort')"
    config = configure(database, tmp_path / "rollups", ledgers=filtered("costs", condition))
    async with running(config, Clock(NOW)) as exporter:
        assert await exporter.last_errors() == {}
        (database_sync,) = exporter._refresher.database_syncs
        async with database_sync._context.database.transaction() as transaction:
            settings = "SELECT current_setting('enable_sort'), current_setting('transaction_read_only')"
            assert await transaction.rows(sql.SQL(settings)) == [("on", "on")]


async def test_a_filter_may_end_in_a_comment(database: str, tmp_path: Path) -> None:
    with psycopg.connect(database) as connection:
        connection.execute(VICTIM)
    config = configure(database, tmp_path / "rollups", ledgers=filtered("costs", "provider = 'p' -- and no other"))
    assert await checked(config) == []
    assert await refreshed(config) == {}


@pytest.mark.slow
async def test_every_statement_is_in_a_read_only_transaction(tmp_path: Path) -> None:
    logging = {"log_statement": "all", "log_line_prefix": "%p|%a|"}
    with server(settings=logging) as postgres:
        with psycopg.connect(postgres.conninfo()) as connection:
            connection.execute(SCHEMA.read_bytes())
            connection.execute(VICTIM)
        config = configure(postgres.conninfo(), tmp_path / "rollups")
        assert await checked(config) == []
        assert await refreshed(config) == {}
        await filled(config, tmp_path / "history.om")
        log = postgres.log.read_text()
    said = re.findall(r"^(\d+)\|resource-exporter\|LOG:  (?:statement|execute <unnamed>): (.*)$", log, re.MULTILINE)
    sessions = defaultdict[str, list[str]](list)
    for pid, statement in said:
        sessions[pid].append(statement)
    assert sum("COPY" in statement for _, statement in said) > 5
    for statements in sessions.values():
        assert outside(statements) == []


def outside(statements: list[str]) -> list[str]:
    """Statements outside of READ ONLY transactions."""
    inside, found = False, []
    for statement in statements:
        if statement.startswith("BEGIN"):
            inside = "READ ONLY" in statement
        elif not inside:
            found += [statement] if statement != "SELECT 1" else []  # the pool's check of the connection
        elif statement in {"COMMIT", "ROLLBACK"}:
            inside = False
    return found
