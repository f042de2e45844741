"""How much is logged: a line for each refresh at debug, none at info while nothing is wrong, and how far a long one is."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

import psycopg
import pytest
from structlog.testing import capture_logs

from exporter.app import pipeline
from exporter.exposition.bodies import Publisher
from exporter.logs import Pace
from exporter.sync import batches
from exporter.sync.entries import EntrySync
from exporter.sync.refresher import Refresher
from exporter.telemetry import Telemetry
from tests.end_to_end.process import LEDGERS, Exporter, serving
from tests.integration.running import Clock, configure

DAYS = "INSERT INTO cost_ledger (created_at, cost_usd) SELECT now() - n * interval '1 day', 1 FROM generate_series(0, 449) AS n"
REFRESHED = 'resource_exporter_refreshes_total{outcome="success"} '


def lines(exporter: Exporter) -> list[dict[str, str]]:
    return [json.loads(line) for line in exporter.log.read_text().splitlines()]


def refreshes(exporter: Exporter) -> int:
    return next((int(float(line.split()[-1])) for line in exporter.page().splitlines() if line.startswith(REFRESHED)), 0)


def test_nothing_is_logged_at_info_while_nothing_is_wrong(tmp_path: Path, known_ledger: str) -> None:
    with serving(tmp_path, known_ledger) as exporter:
        exporter.until(lambda: refreshes(exporter) >= 2)
        before = lines(exporter)
        exporter.until(lambda: refreshes(exporter) >= 8)
        assert lines(exporter) == before
    assert [line["msg"] for line in before] == ["listening", *["building the rollups", "built the rollups"] * 2]


def test_a_refresh_is_one_line_at_debug(tmp_path: Path, known_ledger: str) -> None:
    with serving(tmp_path, known_ledger, LEDGERS.replace("500ms", "200ms"), flags=["--log.level=debug"]) as exporter:
        exporter.until(lambda: refreshes(exporter) >= 2)
        begin = len(lines(exporter))
        exporter.until(lambda: len(lines(exporter)) >= begin + 5)
        said = lines(exporter)
    assert {line["msg"] for line in said[begin:]} - {"stopping"} == {"refreshed"}
    assert {(line["level"], line["database"], line["outcome"]) for line in said[begin : begin + 5]} == {
        ("debug", "main", "success")
    }
    assert {line["logger"].partition(".")[0] for line in said} == {"exporter"}


def ticking(step: float) -> Iterator[float]:
    return count(0.0, step)


def costs(refresher: Refresher) -> EntrySync:
    ledgers = [ledger_sync for database_sync in refresher.database_syncs for ledger_sync in database_sync.ledgers]
    return next(each for each in ledgers if isinstance(each, EntrySync) and each.name == "costs")


@pytest.mark.parametrize("step, percents", [(0.0, []), (1.0, [100]), (5.0, [22, 44, 67, 89, 100]), (2.5, [44, 89])])
async def test_a_first_build_says_every_five_seconds_how_far_it_is(
    tmp_path: Path, database: str, step: float, percents: list[int]
) -> None:
    """450 days are read 100 at a time, so there are five moments to say so; ``step`` seconds pass between two of them."""
    with psycopg.connect(database) as connection:
        connection.execute(DAYS.encode())
    telemetry, clock = Telemetry("", ""), ticking(step)
    config = configure(database, tmp_path / "rollups", ledgers={"costs": {"database": "main"}})
    async with pipeline(config, Publisher(telemetry), telemetry, Clock(datetime.now(UTC))) as refresher:
        costs(refresher).build.pace = Pace(5, lambda: next(clock))
        with capture_logs() as logs:
            await refresher.refresh(refresher.database_syncs[0])
    said = [line for line in logs if line["event"] == "building the rollups"]
    assert [line["percent"] for line in said[1:]] == percents
    assert {line["log_level"] for line in said} == {"info"}


@pytest.mark.parametrize("step, lines", [(0.0, 0), (20.0, 1), (60.0, 3)])
async def test_catching_up_says_every_minute_how_far_it_is(
    tmp_path: Path, database: str, monkeypatch: pytest.MonkeyPatch, step: float, lines: int
) -> None:
    """450 new rows are read 100 at a time: once in the first snapshot, and 3 times before the last of them."""
    monkeypatch.setattr(batches, "NEW_ROWS", 100)
    with psycopg.connect(database) as connection:
        connection.execute(DAYS.encode())
    telemetry, seconds, clock = Telemetry("", ""), ticking(step), Clock(datetime.now(UTC))
    config = configure(database, tmp_path / "rollups", ledgers={"costs": {"database": "main"}})
    async with pipeline(config, Publisher(telemetry), telemetry, clock) as refresher:
        await refresher.refresh(refresher.database_syncs[0])
        with psycopg.connect(database) as connection:
            connection.execute(DAYS.encode())
        costs(refresher).catch_up_pace = Pace(60, lambda: next(seconds))
        clock.now += timedelta(minutes=1)
        with capture_logs() as logs:
            await refresher.refresh(refresher.database_syncs[0])
    assert [line["event"] for line in logs if line["log_level"] == "info"] == ["catching up"] * lines
