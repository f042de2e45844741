"""Files that the exporter finds in the place of its own."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from exporter.rollups.file import RollupFileError, open_file


def tables(path: Path) -> list[str]:
    with open_file(path) as connection:
        return [name for (name,) in connection.execute("SELECT table_name FROM duckdb_tables()").fetchall()]


def test_a_new_file_has_its_tables_and_is_opened_again(tmp_path: Path) -> None:
    path = tmp_path / "rollups.duckdb"
    assert "costs" in tables(path)
    with open_file(path) as connection:
        connection.execute("INSERT INTO tasks VALUES (1, 'kept')")
    with open_file(path) as connection:
        assert connection.execute("FROM tasks").fetchall() == [(1, "kept")]
    assert [found.name for found in tmp_path.iterdir()] == ["rollups.duckdb"]


def damaged(path: Path) -> None:
    path.write_bytes(b"this is no database" * 1000)


def truncated(path: Path) -> None:
    open_file(path).close()
    path.write_bytes(path.read_bytes()[:5000])


def foreign(path: Path) -> None:
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE TABLE somebody_elses (x INTEGER)")


def older(path: Path) -> None:
    with open_file(path) as connection:
        connection.execute("UPDATE state SET value = '0-before' WHERE name = 'format'")


@pytest.mark.parametrize("make", [damaged, truncated, foreign, older])
def test_a_file_that_cannot_be_used_is_set_aside(tmp_path: Path, make: Callable[[Path], None]) -> None:
    path = tmp_path / "rollups.duckdb"
    make(path)
    assert "costs" in tables(path)
    assert (tmp_path / "rollups.duckdb.aside").exists()


def test_a_directory_in_the_place_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "rollups.duckdb"
    path.mkdir()
    with pytest.raises(RollupFileError, match="is a directory; state"):
        open_file(path)


def test_two_exporters_cannot_share_a_file(tmp_path: Path) -> None:
    path = tmp_path / "rollups.duckdb"
    with open_file(path):
        code = f"from pathlib import Path; from exporter.rollups.file import open_file; open_file(Path({str(path)!r}))"
        other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    expected = f"RollupFileError: {path} is in use by another process; give each exporter a state.path of its own"
    assert other.stderr.splitlines()[-1].endswith(expected)


def test_a_directory_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(RollupFileError, match="needs a directory that can be written to"):
        open_file(tmp_path / "missing" / "rollups.duckdb")
