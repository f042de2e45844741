"""A read leaves no thread, file, connection or temporary directory behind, and it does not block the caller's event loop."""

import asyncio
import os
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

import exporter
from tests.api.conftest import execute
from tests.waiting import until_async


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The directory in which temporary files are made."""
    directory = tmp_path / "temporary"
    directory.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(directory))
    return directory


def held() -> tuple[set[str], list[str]]:
    """The threads of the process, and what its file descriptors are."""
    links: Iterator[Path] = Path("/proc/self/fd").iterdir()
    return {thread.name for thread in threading.enumerate()}, sorted(
        str(link.readlink()) for link in links if link.is_symlink()
    )


def test_nothing_is_left_behind(config: Path, known_ledger: str, temporary: Path) -> None:
    exporter.read(config)
    before = held()
    assert exporter.read(config).ledgers
    execute(known_ledger, "ALTER TABLE quests RENAME TO elsewhere")
    with pytest.raises(exporter.ReadError):
        exporter.read(config)
    assert held() == before
    assert list(temporary.iterdir()) == []
    assert not (config.parent / "rollups.duckdb").exists()
    open_ = (
        "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'resource-exporter' AND datname = current_database()"
    )
    assert execute(known_ledger, open_) == [(0,)]


async def test_a_read_that_is_cancelled_leaves_nothing_behind(config: Path, known_ledger: str, temporary: Path) -> None:
    await exporter.read_async(config)
    before = held()
    with psycopg.connect(known_ledger) as connection:
        connection.execute("LOCK TABLE cost_ledger")
        reading = asyncio.create_task(exporter.read_async(config))
        await until_async(lambda: waits(known_ledger))
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
    assert held() == before
    assert os.listdir(temporary) == []  # noqa: PTH208 - pathlib's blocks too


async def waits(conninfo: str) -> bool:
    """Whether a session waits for a lock."""
    return execute(conninfo, "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'") != [(0,)]


async def test_inside_an_event_loop_it_is_awaited(config: Path) -> None:
    with pytest.raises(RuntimeError, match=r"; fix: await exporter\.read_async\(…\)$"):
        exporter.read(config)
    moments: list[int] = []

    async def count() -> None:
        while True:
            moments.append(1)
            await asyncio.sleep(0.001)

    counting = asyncio.create_task(count())
    snapshot = await exporter.read_async(config)
    counting.cancel()
    assert snapshot.complete
    assert len(moments) > 10
