"""The Python interface: its numbers are those of plain SQL, what is missing is an exception, and nothing is left behind."""

import asyncio
import os
import re
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

import exporter
from exporter.sections import SECTIONS
from tests import blocks
from tests.conftest import ROOT
from tests.end_to_end.process import LEDGERS
from tests.integration.running import LEDGERS as NAMES
from tests.waiting import until_async

PAGE = (ROOT / "docs/python.md").read_text(encoding="utf-8")
EXAMPLES = MONTH, CONTENT, FAILURE, ASYNC = tuple(block.text for block in blocks.of("python"))
SPENT = """
SELECT quests.name, sum(cost_usd) FROM cost_ledger JOIN quests ON quests.id = quest_id
 WHERE created_at BETWEEN date_trunc('day', now()) - interval '29 days' AND now() GROUP BY quests.name
"""


@pytest.fixture
def config(tmp_path: Path, known_ledger: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A configuration file over the known ledger."""
    monkeypatch.setenv("LEDGERS_DSN", known_ledger)
    path = tmp_path / "config.yml"
    path.write_text(LEDGERS.format(timezone="UTC"))
    return path


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The directory in which temporary files are made."""
    directory = tmp_path / "temporary"
    directory.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(directory))
    return directory


def execute(conninfo: str, statement: str) -> list[tuple[object, ...]]:
    with psycopg.connect(conninfo) as connection:
        cursor = connection.execute(statement.encode())
        return cursor.fetchall() if cursor.description else []


def script(text: str, directory: Path) -> subprocess.CompletedProcess[str]:
    """Run an example, which must succeed."""
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-W", "error", "-c", text]
    ended = subprocess.run(command, cwd=directory, env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    return ended


def printed(text: str, directory: Path) -> list[str]:
    """What an example prints; it must print nothing to standard error."""
    ended = script(text, directory)
    assert ended.stderr == ""
    return ended.stdout.splitlines()


def test_the_first_example_prints_what_sql_says(config: Path, known_ledger: str) -> None:
    spent = dict(line.rsplit(" ", 1) for line in printed(MONTH, config.parent))
    expected = {str(name): Decimal(str(usd)) for name, usd in execute(known_ledger, SPENT)}
    assert {name: Decimal(value) for name, value in spent.items() if name in expected} == expected
    assert spent.keys() - expected.keys() == {"unassigned"}


def test_the_other_examples_run(config: Path) -> None:
    allocations = "No allocations ledger is configured."
    assert printed(CONTENT, config.parent) == ["4 series", allocations]
    assert printed(ASYNC, config.parent) == ["UTC 4"]
    assert (config.parent / "report.duckdb").is_file()


def test_the_public_names_are_those_of_the_page() -> None:
    assert set(exporter._MODULES) | {"__version__"} == set(exporter.__all__)
    assert all(getattr(exporter, name).__doc__ for name in exporter.__all__)
    used = set(re.findall(r"`exporter\.(\w+)`|\bexporter\.(\w+)\(|`(Snapshot|LedgerStatus)`", "".join(PAGE)))
    assert {"".join(found) for found in used} | {"__version__"} == set(exporter.__all__) | {"__all__"}
    with pytest.raises(AttributeError, match=r"module 'exporter' has no attribute 'write'"):
        exporter.write  # type: ignore[attr-defined]  # noqa: B018


def test_the_package_itself_imports_none_of_its_modules() -> None:
    text = "import sys, exporter; print(*(name for name in sys.modules if name.startswith(('exporter.', 'duckdb', 'psycopg'))))"
    assert printed(text, ROOT) == [""]


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


def test_a_ledger_that_cannot_be_read_is_an_exception_with_all_other_numbers(config: Path, known_ledger: str) -> None:
    execute(known_ledger, "ALTER TABLE quest_budget_allocations RENAME TO elsewhere")
    with pytest.raises(exporter.ReadError) as raised:
        exporter.read(config)
    assert raised.value.ledgers.keys() == {"allocations"}
    assert str(raised.value) == f"ledger allocations cannot be read: {raised.value.ledgers['allocations']}"
    assert "quest_budget_allocations" in str(raised.value)
    assert raised.value.snapshot
    assert len(raised.value.snapshot.samples("resource_spend_usd")) == 4
    assert raised.value.snapshot.samples("resource_quest_allocation_usd") == []
    ended = script(FAILURE, config.parent)
    assert ended.stdout == "without allocations\n"
    (warning,) = ended.stderr.splitlines()
    assert warning.startswith('event="ledger cannot be read" ledger=allocations database=main error=')


def test_an_unreachable_database_tells_no_password() -> None:
    dsn = make_conninfo(host="127.0.0.1", port=1, password="hunter2")
    with pytest.raises(exporter.ReadError, match=r"^ledger costs cannot be read: ") as raised:
        exporter.read({"databases": {"main": {"dsn": dsn}}, "ledgers": {"costs": {"database": "main"}}})
    assert "hunter2" not in str(raised.value)
    assert raised.value.snapshot
    assert raised.value.snapshot.samples("resource_spend_usd") == []


def test_a_kept_file_remembers_what_was_read(config: Path, known_ledger: str, tmp_path: Path) -> None:
    state = tmp_path / "report.duckdb"
    spent = [sum(sample.value for sample in exporter.read(config, state=state).samples("resource_spend_usd"))]
    execute(known_ledger, "INSERT INTO cost_ledger (created_at, cost_usd) VALUES (now(), 0.5)")
    spent.append(sum(sample.value for sample in exporter.read(config, state=state).samples("resource_spend_usd")))
    assert spent == pytest.approx([3.5, 4.0], rel=1e-12)
    execute(known_ledger, "ALTER TABLE cost_ledger RENAME TO elsewhere")
    with pytest.raises(exporter.ReadError) as raised:
        exporter.read(config, state=state)
    assert raised.value.snapshot
    assert sum(sample.value for sample in raised.value.snapshot.samples("resource_spend_usd")) == pytest.approx(4.0, rel=1e-12)


def test_a_rollup_file_that_cannot_be_used_is_an_exception(config: Path, tmp_path: Path) -> None:
    with pytest.raises(exporter.ReadError, match=r"is a directory; fix: set state.path to the path of a file") as raised:
        exporter.read(config, state=tmp_path)
    assert raised.value.snapshot is None


def test_a_file_of_somebody_else_is_not_touched(config: Path) -> None:
    before = config.read_text()
    with pytest.raises(exporter.ReadError, match=r"is not a rollup file; fix: set state to a new file"):
        exporter.read(config, state=config)
    assert config.read_text() == before


def test_every_metric_has_samples_or_a_reason_and_other_names_are_refused(known_ledger: str) -> None:
    settings = {
        "databases": {"main": {"dsn": known_ledger}},
        "ledgers": {name: {"database": "main"} for name in NAMES},
        "shard": "eu",
        "state": {"path": Path("unused")},
    }
    snapshot = exporter.read(settings)
    catalogue = [metric for section in SECTIONS.values() for metric in section.METRICS]
    for metric in catalogue:
        for sample in snapshot.samples(metric.name):
            assert sample.labels.keys() == {*metric.labels, "shard"}
    assert snapshot.samples("resource_report_info")[0].labels["shard"] == "eu"
    with pytest.raises(LookupError, match=r"^no metric resource_spend_eur; did you mean 'resource_spend_usd'\?$"):
        snapshot.samples("resource_spend_eur")


def test_settings_are_checked_as_a_file_is() -> None:
    with pytest.raises(exporter.ConfigError, match=r"^settings:1: ledger: unknown key; did you mean 'ledgers'\?"):
        exporter.read({"databases": {"main": {"dsn": "host=/nowhere"}}, "ledger": {}})
    with pytest.raises(TypeError, match=r"^set in the settings; fix: write the value as in a configuration file"):
        exporter.read({"databases": {"main"}})
