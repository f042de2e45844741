"""Faults of the rollup file. A file that cannot be used is set aside and rebuilt."""

import os
import resource
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import psycopg
import pytest

from exporter.app import pipeline
from exporter.exposition.bodies import Publisher
from exporter.rollups.changes import Advance
from exporter.telemetry import Telemetry
from tests.end_to_end.process import serving
from tests.faults.stage import QUICK, down, last_errors, logged, spend, until_exact, wrong
from tests.integration.running import PLAIN, Clock, configure, parsed, running
from tests.waiting import DEADLINE

IMPATIENT = QUICK.replace("100ms", "100ms, stale_after: 8s")
HEADERS, BLOCK = 12_288, 262_144
ROOM_FOR_THE_LOG = 300_000
"""Bytes: enough for the write-ahead log, too few for the file itself."""
# Root ignores file permissions, so it must drop that capability.
BOUND = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"] if os.geteuid() == 0 else []


@contextmanager
def no_room(process: int, size: int) -> Iterator[None]:
    """Limit the size of every file that the process writes."""
    hard = resource.prlimit(process, resource.RLIMIT_FSIZE)[1]
    resource.prlimit(process, resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.prlimit(process, resource.RLIMIT_FSIZE, (hard, hard))


def failing(directory: Path, *prefix: str) -> list[str]:
    """The standard error of a second ``serve`` with the same configuration, which must exit by itself."""
    command = [*prefix, sys.executable, "-m", "exporter", "serve", f"--config.file={directory / 'config.yml'}"]
    ended = subprocess.run(
        [*command, "--web.listen-address=127.0.0.1:0"],
        env=os.environ | {"LEDGERS_DSN": "host=/nowhere"},
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        check=False,
    )
    assert ended.returncode == 1
    assert "msg=listening" not in ended.stderr
    return ended.stderr.splitlines()


def damage(file: Path) -> None:
    """Overwrite every block of the file that is not read when it is opened."""
    content = file.read_bytes()
    for at in range(HEADERS, len(content), BLOCK):
        spoilt = bytes(byte ^ 255 for byte in content[at : at + 4096])
        file.write_bytes(content[:at] + spoilt + content[at + 4096 :])
        with suppress(duckdb.Error), duckdb.connect(str(file), read_only=True) as connection:
            connection.execute("FROM state WHERE name = 'format'").fetchall()
            content = file.read_bytes()
    file.write_bytes(content)


def cut(file: Path) -> None:
    """Truncate the file to the smallest size that can still be opened."""
    content = file.read_bytes()
    for at in range(HEADERS, len(content), BLOCK):
        file.write_bytes(content[:at])
        with suppress(duckdb.Error), duckdb.connect(str(file), read_only=True) as connection:
            connection.execute("FROM state WHERE name = 'format'").fetchall()
            return
    pytest.fail("only a whole file can be opened")


@pytest.mark.parametrize("damage", [damage, cut])
async def test_damage_that_is_found_only_when_the_file_is_read(
    tmp_path: Path, known_ledger: str, damage: Callable[[Path], None]
) -> None:
    file, clock = tmp_path / "rollups.duckdb", Clock(datetime.now(UTC))
    config = configure(known_ledger, file)
    async with running(config, clock) as exporter:
        await exporter.refresh()
    damage(file)
    async with running(config, clock) as exporter:
        await exporter.publish_rollups()
        assert not file.with_name("rollups.duckdb.aside").exists()
        for _ in range(3):
            await exporter.attempt()
        assert file.with_name("rollups.duckdb.aside").exists()
        assert wrong(known_ledger, exporter.page(), clock.now) == []


async def test_a_file_set_aside_during_a_refresh(tmp_path: Path, known_ledger: str, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(datetime.now(UTC))
    config = configure(known_ledger, tmp_path / "rollups")
    async with pipeline(config, publisher := Publisher(own := Telemetry("", "")), own, clock) as refresher:
        (database_sync,) = refresher.database_syncs
        await refresher.refresh(database_sync)
        rollups, advance = refresher.rollups, refresher.rollups.advance

        def advance_in_another_file(advances: Mapping[str, Advance]) -> None:
            rollups.mark_suspect(duckdb.IOException("Corrupt database file"))
            assert rollups.reopen_if_needed()
            advance(advances)

        monkeypatch.setattr(rollups, "advance", advance_in_another_file)
        await database_sync.sync(clock.now)
        monkeypatch.undo()
        assert not any(database_sync.up.values())
        await refresher.refresh(database_sync)
        assert all(database_sync.up.values())
        assert own.registry.get_sample_value("resource_exporter_refreshes_total", {"outcome": "success"}) == 2
        assert wrong(known_ledger, publisher.body(PLAIN).decode(), clock.now) == []


async def test_rows_without_a_day_are_counted_in_a_new_file_too(tmp_path: Path, known_ledger: str) -> None:
    with psycopg.connect(known_ledger) as connection:
        connection.execute("INSERT INTO quest_budget_allocations VALUES ('q1', 'infinity', 1)")
    async with running(configure(known_ledger, tmp_path / "rollups"), Clock(datetime.now(UTC))) as exporter:
        await exporter.refresh()
        assert exporter.rejected("allocations") == 1
        exporter._refresher.rollups.mark_suspect(duckdb.IOException("Corrupt database file"))
        await exporter.refresh(2)
        assert exporter.rejected("allocations") == 1


def test_one_line_says_that_a_file_was_set_aside(tmp_path: Path, known_ledger: str) -> None:
    file = tmp_path / "rollups.duckdb"
    file.write_text("What is this?\n")
    with serving(tmp_path, known_ledger, QUICK) as exporter:
        until_exact(exporter, known_ledger)
        (said,) = [line for line in logged(exporter) if line["level"] == "warning"]
    assert said["msg"] == "rollup file set aside, the rollups are built again"
    assert (said["file"], said["moved_to"]) == (str(file), f"{file}.aside")
    assert said["reason"] == "it is no rollup file, or the beginning of it is lost"


@pytest.mark.slow
def test_a_full_disk(tmp_path: Path, known_ledger: str) -> None:
    file = tmp_path / "rollups.duckdb.wal"
    with serving(tmp_path, known_ledger, IMPATIENT) as exporter:
        until_exact(exporter, known_ledger)
        before = exporter.data()
        with no_room(exporter.process.pid, file.stat().st_size):
            exporter.until(lambda: down(exporter) == {"allocations", "costs", "impacts", "quests"})
            assert exporter.data() == before
            exporter.until(lambda: "resource_spend_usd" not in parsed(exporter.page()))
        spend(known_ledger)
        until_exact(exporter, known_ledger)
        for (reason,) in last_errors(exporter).values():
            assert reason.endswith(f'Could not write file "{file}": File too large')
        assert "Traceback" not in exporter.log.read_text()


async def test_a_scratch_directory_that_was_removed(tmp_path: Path, known_ledger: str) -> None:
    clock = Clock(datetime.now(UTC))
    async with running(configure(known_ledger, tmp_path / "rollups"), clock) as exporter:
        await exporter.refresh()
        (tmp_path / "rollups.reading").rmdir()
        spend(known_ledger)
        await exporter.refresh()
        assert wrong(known_ledger, exporter.page(), clock.now) == []


async def test_a_checkpoint_on_a_full_disk(tmp_path: Path, known_ledger: str) -> None:
    clock = Clock(datetime.now(UTC))
    async with running(configure(known_ledger, tmp_path / "rollups"), clock) as exporter:
        await exporter.refresh()
        exporter.execute("SET checkpoint_threshold = '1KB'")
        spend(known_ledger)
        with no_room(os.getpid(), ROOM_FOR_THE_LOG):
            await exporter.attempt()
            assert "autocheckpoint failed" in exporter.last_error("costs")
            await exporter.attempt()
        await exporter.refresh()
        assert wrong(known_ledger, exporter.page(), clock.now) == []


def test_a_second_exporter_with_the_same_file(tmp_path: Path, known_ledger: str) -> None:
    with serving(tmp_path, known_ledger, QUICK) as exporter:
        file = tmp_path / "rollups.duckdb"
        assert failing(tmp_path) == [f"{file} is in use by another process; fix: give each exporter its own state.path"]
        spend(known_ledger)
        until_exact(exporter, known_ledger)


def test_a_directory_that_is_not_writable(tmp_path: Path, known_ledger: str) -> None:
    state = tmp_path / "state"
    state.mkdir()
    with serving(tmp_path, known_ledger, QUICK.replace("rollups.duckdb", "state/rollups.duckdb")) as exporter:
        exporter.stop()
    state.chmod(0o500)
    remedy = "cannot be made; fix: set state.path to a file in a writable directory"
    assert failing(tmp_path, *BOUND) == [f"{state / 'rollups.duckdb.reading'} {remedy}"]
