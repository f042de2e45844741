"""Files that the exporter finds in the place of its own."""

import os
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import duckdb
import pytest
import structlog

from exporter.rollups.file import RollupFileError, open_file


def tables(path: Path) -> list[str]:
    with open_file(path) as connection:
        return [name for (name,) in connection.execute("SELECT table_name FROM duckdb_tables()").fetchall()]


def test_a_new_file_has_its_tables_and_is_opened_again(tmp_path: Path) -> None:
    path = tmp_path / "rollups.duckdb"
    assert "costs" in tables(path)
    with open_file(path) as connection:
        connection.execute("INSERT INTO tasks VALUES (1, 'kept', 7, NULL)")
    with open_file(path) as connection:
        assert connection.execute("FROM tasks").fetchall() == [(1, "kept", 7, None)]
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


NOTES = "Buy milk.\n"


def notes(path: Path) -> None:
    path.write_text(NOTES)


def names(directory: Path) -> set[str]:
    return {found.name.removeprefix("rollups.duckdb") for found in directory.iterdir()}


def empty(path: Path) -> None:
    path.touch()


def spoilt(path: Path) -> None:
    open_file(path).close()
    content = path.read_bytes()
    path.write_bytes(content[:5000] + bytes(byte ^ 255 for byte in content[5000:]))


def test_of_our_own_files_one_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "rollups.duckdb"
    for make in (truncated, older, spoilt, empty, truncated, empty, spoilt, older):
        make(path)
        assert "costs" in tables(path)
        path.unlink()
        assert names(tmp_path) == {".aside"}


@pytest.mark.parametrize("make", [damaged, truncated, foreign, older, notes])
@pytest.mark.parametrize("kept", [notes, foreign])
def test_a_file_of_others_is_never_replaced(tmp_path: Path, make: Callable[[Path], None], kept: Callable[[Path], None]) -> None:
    path = tmp_path / "rollups.duckdb"
    kept(path.with_name("rollups.duckdb.aside"))
    before = path.with_name("rollups.duckdb.aside").read_bytes()
    make(path)
    assert "costs" in tables(path)
    assert names(tmp_path) == {"", ".aside", ".aside.1"}
    assert path.with_name("rollups.duckdb.aside").read_bytes() == before


def test_what_is_a_link_is_not_replaced_either(tmp_path: Path) -> None:
    path = tmp_path / "rollups.duckdb"
    path.with_name("rollups.duckdb.aside").symlink_to(tmp_path / "gone")
    older(path)
    tables(path)
    assert names(tmp_path) == {"", ".aside", ".aside.1"}


def test_a_disk_is_not_filled_with_files_of_others(tmp_path: Path) -> None:
    path = tmp_path / "rollups.duckdb"
    for _ in range(10):
        notes(path)
        tables(path)
    assert names(tmp_path) == {"", ".aside", *(f".aside.{number}" for number in range(1, 10))}
    notes(path)
    with pytest.raises(RollupFileError, match=r"fix: delete it, or the files .*aside\* beside it"):
        open_file(path)
    assert path.read_text() == NOTES


def test_the_log_of_a_file_goes_with_it(tmp_path: Path) -> None:
    path = tmp_path / "rollups.duckdb"
    notes(path)
    path.with_name("rollups.duckdb.wal").write_text("and eggs")
    tables(path)
    assert names(tmp_path) == {"", ".aside", ".aside.wal"}
    assert path.with_name("rollups.duckdb.aside.wal").read_text() == "and eggs"


def test_the_log_of_a_file_that_is_replaced_goes_too(tmp_path: Path) -> None:
    path = tmp_path / "rollups.duckdb"
    truncated(path.with_name("rollups.duckdb.aside"))
    path.with_name("rollups.duckdb.aside.wal").write_text("of that one")
    older(path)
    tables(path)
    assert names(tmp_path) == {"", ".aside"}


def test_the_file_of_another_database_program_is_not_written_to(tmp_path: Path) -> None:
    path = tmp_path / "rollups.duckdb"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE somebody_elses (x INTEGER)")
    before = path.read_bytes()
    assert "costs" in tables(path)
    assert path.with_name("rollups.duckdb.aside").read_bytes() == before


def test_tables_of_others_that_are_named_as_ours(tmp_path: Path) -> None:
    path = tmp_path / "rollups.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE TABLE state (country TEXT)")
    with structlog.testing.capture_logs() as logs:
        assert "costs" in tables(path)
    assert [entry["reason"] for entry in logs] == ["it is the database of another program"]


def pipe(path: Path) -> None:
    os.mkfifo(path)


def listening(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(str(path))


def device(path: Path) -> None:
    path.symlink_to("/dev/null")


@pytest.mark.parametrize(
    "make, said", [(Path.mkdir, "a directory"), (pipe, "a pipe"), (listening, "a socket"), (device, "a device")]
)
def test_what_is_no_file_is_refused(tmp_path: Path, make: Callable[[Path], None], said: str) -> None:
    path = tmp_path / "rollups.duckdb"
    make(path)
    with pytest.raises(RollupFileError, match=f"is {said}; fix: set state.path to the path of a file"):
        open_file(path)
    assert names(tmp_path) == {""}


def test_two_exporters_cannot_share_a_file(tmp_path: Path) -> None:
    path = tmp_path / "rollups.duckdb"
    with open_file(path):
        code = f"from pathlib import Path; from exporter.rollups.file import open_file; open_file(Path({str(path)!r}))"
        other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    expected = f"RollupFileError: {path} is in use by another process; fix: give each exporter its own state.path"
    assert other.stderr.splitlines()[-1].endswith(expected)


def test_a_directory_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(RollupFileError, match=r"fix: set state\.path to a file in a writable directory"):
        open_file(tmp_path / "missing" / "rollups.duckdb")
