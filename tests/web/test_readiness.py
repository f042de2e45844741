"""What ``/-/ready`` says is true in every state of the exporter."""

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

import duckdb
import psycopg
import pytest

from exporter import ReadError, api
from exporter.report.context import ReportContext
from exporter.report.prepared import Prepared
from exporter.sections import waste
from exporter.snapshot import LedgerStatus, Snapshot
from exporter.web.access import Guard
from tests.end_to_end.process import LEDGERS, running, serving
from tests.integration.running import configure
from tests.web.serving import SNAPSHOT, application, served

NOON = datetime(2026, 11, 20, 13, tzinfo=timezone(timedelta(hours=1)))
COSTS = LedgerStatus("costs", up=True, newest_entry=NOON, last_success=NOON)
DOWN = LedgerStatus("impacts", up=False, newest_entry=None, last_success=NOON)
NEVER = LedgerStatus("quests", up=False, newest_entry=None, last_success=None)
NONE_YET = "not ready: there is no data yet; the log shows the progress of the first build, or why a ledger cannot be read"

STATES: dict[str, tuple[Snapshot | None, bool, int, list[str]]] = {
    "starting, or in a first build": (None, False, 503, [NONE_YET]),
    "well": (replace(SNAPSHOT, ledgers=(COSTS,)), False, 200, ["ready"]),
    "a ledger is down": (
        replace(SNAPSHOT, ledgers=(COSTS, DOWN)),
        False,
        200,
        ["ready", "ledger impacts: it cannot be read, and was last read at 2026-11-20T12:00:00Z"],
    ),
    "a ledger has not been read": (
        replace(SNAPSHOT, ledgers=(COSTS, NEVER)),
        False,
        200,
        ["ready", "ledger quests: it has no data yet"],
    ),
    "a section fails": (
        replace(SNAPSHOT, ledgers=(COSTS,), failed=("waste",)),
        False,
        200,
        ["ready", "section waste: it failed, and the log says why"],
    ),
    "shutting down": (SNAPSHOT, True, 503, ["not ready: the exporter is shutting down"]),
    "shutting down before it had numbers": (None, True, 503, ["not ready: the exporter is shutting down"]),
}


def ask(port: int) -> tuple[int, list[str]]:
    try:
        with urlopen(f"http://127.0.0.1:{port}/-/ready", timeout=10) as reply:
            return reply.status, reply.read().decode().splitlines()
    except HTTPError as error:
        with error:
            return error.code, error.read().decode().splitlines()


@pytest.mark.parametrize("snapshot, stopping, status, said", STATES.values(), ids=STATES)
async def test_the_words_are_those_of_the_state(
    *, snapshot: Snapshot | None, stopping: bool, status: int, said: list[str]
) -> None:
    guard = Guard()
    async with served(guard, app=application(guard, snapshot=snapshot, stopping=stopping)) as port:
        assert await asyncio.to_thread(ask, port) == (status, said)


async def test_a_section_that_fails_is_told_with_the_snapshot(
    tmp_path: Path, known_ledger: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_context: ReportContext, _prepared: Prepared) -> list[object]:
        raise duckdb.InvalidInputException("nonsense")

    monkeypatch.setattr(waste, "collect", fail)
    with pytest.raises(ReadError) as raised:
        await api.snapshot(configure(known_ledger, tmp_path / "rollups"), tmp_path / "rollups")
    assert raised.value.snapshot
    assert raised.value.snapshot.failed == ("waste",)


def test_a_database_that_cannot_be_reached_gave_no_numbers(tmp_path: Path) -> None:
    (tmp_path / "config.yml").write_text(LEDGERS.format(timezone="UTC"))
    with running(tmp_path, "serve", f"--config.file={tmp_path / 'config.yml'}", LEDGERS_DSN="host=/nowhere") as exporter:
        assert exporter.get("/-/ready").body.decode() == f"{NONE_YET}\n"
        exporter.until(lambda: 'resource_exporter_ledger_up{ledger="costs"} 0.0' in exporter.page())
        _, *missing = exporter.get("/-/ready").body.decode().splitlines()
    assert missing == [f"ledger {name}: it has no data yet" for name in ("allocations", "costs", "impacts", "quests")]


def test_a_ledger_that_goes_away_is_named(tmp_path: Path, known_ledger: str) -> None:
    with serving(tmp_path, known_ledger) as exporter:
        exporter.until(lambda: exporter.get("/-/ready").body == b"ready\n")
        with psycopg.connect(known_ledger) as connection:
            connection.execute("ALTER TABLE quests RENAME TO elsewhere")
        exporter.until(lambda: b"ledger quests: it cannot be read, and was last read at 20" in exporter.get("/-/ready").body)
