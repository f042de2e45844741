"""``python -m exporter.demo``: the fleet writes into an existing PostgreSQL."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest

from exporter.demo.__main__ import SCHEMA
from exporter.demo.run import VARIABLE
from tests.waiting import DEADLINE, until

COMMAND = [sys.executable, "-m", "exporter.demo"]


@contextmanager
def _fleet(conninfo: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(COMMAND, env=os.environ | {VARIABLE: conninfo}, stderr=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def _made(conninfo: str) -> tuple[int, int] | None:
    """The oid of the table of calls and the number of its rows; None while the table does not exist."""
    query = f"SELECT '{SCHEMA}.cost_ledger'::regclass::oid::bigint, count(*) FROM {SCHEMA}.cost_ledger".encode()
    with psycopg.connect(conninfo) as connection:
        try:
            return connection.execute(query).fetchone()
        except (psycopg.errors.InvalidSchemaName, psycopg.errors.UndefinedTable):
            return None


def _until_more(process: subprocess.Popen[str], conninfo: str, calls: int, other_than: int = 0) -> tuple[int, int]:
    def more() -> tuple[int, int] | None:
        made = _made(conninfo)
        if made and made[0] != other_than and made[1] > calls:
            return made
        assert process.poll() is None, process.stderr.read() if process.stderr else ""
        return None

    return until(more, lambda: f"the fleet has written {_made(conninfo)} (table, calls), and not more than {calls} calls")


def test_it_writes_a_history_and_live_events_and_leaves_other_schemas_alone(database: str) -> None:
    with psycopg.connect(database) as connection:
        connection.execute("INSERT INTO cost_ledger (created_at, cost_usd) VALUES (now(), 1)")
    with _fleet(database) as process:
        first, history = _until_more(process, database, 0)
        _until_more(process, database, history)
    with _fleet(database) as process:
        _until_more(process, database, history // 2, other_than=first)
    with psycopg.connect(database) as connection:
        assert connection.execute("SELECT count(*) FROM public.cost_ledger").fetchone() == (1,)


@pytest.mark.parametrize(
    "environment, message",
    [
        ({}, f"environment variable {VARIABLE} is not set; fix: set it to the connection string of a PostgreSQL\n"),
        ({VARIABLE: "host=/nowhere user=u password=hunter2"}, f"the demo cannot write to {VARIABLE}: "),
    ],
    ids=["unset", "unreachable"],
)
def test_an_error_is_one_line_without_the_password(environment: dict[str, str], message: str) -> None:
    surroundings = {name: value for name, value in os.environ.items() if name != VARIABLE} | environment
    ended = subprocess.run(COMMAND, env=surroundings, capture_output=True, text=True, check=False, timeout=DEADLINE)
    assert ended.returncode == 1
    assert ended.stderr.startswith(message)
    assert ended.stderr.count("\n") == 1
    assert "hunter2" not in ended.stderr
