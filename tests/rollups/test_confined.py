"""The DuckDB session reads what the exporter hands it and nothing else, wherever the rollup file lies."""

import stat
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import psycopg
import pytest

from exporter.rollups.file import RollupFileError, open_file
from tests.end_to_end.process import serving
from tests.integration.books import read
from tests.integration.model import report
from tests.integration.rules import Settings
from tests.integration.running import Clock, configure, differences, running

NOW = datetime(2026, 5, 14, 15, 20, tzinfo=UTC)
NAMES = (
    "provider=codex",
    "usd=5",
    "task_id=t1",
    "day=2026-05-14",
    "filename=x",
    "{a,b}",
    "it's",
    'say "hi"',
    "%2f",
    "~",
    "ü",
    "md:x",
)


@pytest.mark.parametrize("name", NAMES)
async def test_the_name_of_its_directory_changes_no_number(known_ledger: str, tmp_path: Path, name: str) -> None:
    directory = tmp_path / name
    directory.mkdir()
    async with running(configure(known_ledger, directory / "rollups.duckdb"), Clock(NOW)) as exporter:
        await exporter.refresh()
        with psycopg.connect(known_ledger) as connection:
            connection.execute("UPDATE cost_ledger SET cost_usd = cost_usd + 1 WHERE id % 3 = 0")
        await exporter.refresh(3)
        assert differences(exporter.samples(), report(read(known_ledger), Settings(), NOW)) == []


@pytest.mark.parametrize("character", list("?*[\\"))
@pytest.mark.parametrize("path", ["a{}b/rollups.duckdb", "rollups{}.duckdb"])
def test_what_duckdb_would_misread_is_refused_by_name(tmp_path: Path, path: str, character: str) -> None:
    file = tmp_path / path.format(character)
    file.parent.mkdir(exist_ok=True)
    with pytest.raises(RollupFileError) as refused:
        open_file(file)
    assert str(refused.value) == f"state.path {file} holds {character}, which DuckDB misreads; fix: choose another path"


@pytest.mark.parametrize(
    "statement",
    [
        "FROM read_csv('/etc/passwd')",
        "FROM read_text('/etc/passwd')",
        "FROM glob('/etc/*')",
        "COPY tasks TO '/tmp/tasks.csv'",
        "ATTACH '/tmp/other.duckdb'",
        "INSTALL httpfs",
        "LOAD httpfs",
        "SET enable_external_access = true",
        "SET autoinstall_known_extensions = true; FROM 'https://127.0.0.1:1/x.parquet'",
    ],
)
def test_nothing_else_can_be_reached(tmp_path: Path, statement: str) -> None:
    with open_file(tmp_path / "rollups.duckdb") as connection, pytest.raises(duckdb.Error):
        connection.execute(statement)


def test_files_are_for_the_exporter_alone(tmp_path: Path, known_ledger: str) -> None:
    with serving(tmp_path, known_ledger) as exporter:
        exporter.until((tmp_path / "rollups.duckdb.wal").exists)
        found = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.glob("rollups*")}
    assert found == {"rollups.duckdb": 0o600, "rollups.duckdb.wal": 0o600, "rollups.duckdb.reading": 0o700}
