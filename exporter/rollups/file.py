"""The rollup file itself. One that cannot be used is set aside, never repaired: all of it can be read again."""

import hashlib
import os
from importlib.resources import files
from pathlib import Path

import duckdb
import structlog
from duckdb import DuckDBPyConnection

log = structlog.get_logger()

SCHEMA = files("exporter.rollups").joinpath("schema.sql").read_text()
MEANING = 3
"""Raised whenever the same tables are filled with something else than before."""
FORMAT = f"{MEANING}-{hashlib.sha256(SCHEMA.encode()).hexdigest()[:16]}"
REMEDY = "state.path needs a directory that can be written to"


class RollupFileError(Exception):
    """The file cannot be used, nor another one be made in its place; the message is one line for the user."""


class _OtherVersionError(Exception):
    """The file was made by another version of the exporter, or by somebody else."""


def open_file(path: Path) -> DuckDBPyConnection:
    """Open the file, or make it. One that is damaged, or of another version of the exporter, is set aside.

    Raises:
        RollupFileError: another process has it open, or its directory cannot be written to.
    """
    try:
        return _connect(path)
    except _OtherVersionError:
        set_aside(path, "it was made by another version of the exporter")
    except duckdb.Error as error:
        if "lock on file" in str(error):
            raise RollupFileError(f"{path} is in use by another process; give each exporter a state.path of its own") from error
        if path.is_dir():
            raise RollupFileError(f"{path} is a directory; state.path is the path of a file") from error
        if not path.is_file():
            raise RollupFileError(f"{path} cannot be made; {REMEDY}") from error
        set_aside(path, "it is damaged" if os.access(path, os.R_OK | os.W_OK) else "it may not be read and written")
    try:
        return _connect(path)
    except duckdb.Error as error:
        raise RollupFileError(f"{path} cannot be made; {REMEDY}") from error


def _connect(path: Path) -> DuckDBPyConnection:
    connection = duckdb.connect(str(path), config={"memory_limit": "192MB", "threads": 1})
    try:
        _prepare(connection)
    except (duckdb.Error, _OtherVersionError):
        connection.close()  # what is open is shared: the next file of this name would be the same
        raise
    return connection


def _prepare(connection: DuckDBPyConnection) -> None:
    if not connection.execute("FROM duckdb_tables()").fetchone():
        connection.execute(SCHEMA)
        connection.execute("INSERT INTO state VALUES ('format', ?)", [FORMAT])
    if _format(connection) != FORMAT:
        raise _OtherVersionError


def _format(connection: DuckDBPyConnection) -> str | None:
    try:
        row = connection.execute("SELECT value FROM state WHERE name = 'format'").fetchone()
    except duckdb.CatalogException:  # somebody else's tables
        return None
    return row[0] if row else None


def is_damage(error: BaseException) -> bool:
    """Whether a block of the file is not what was written, or not there, as DuckDB finds out when it comes to read it."""
    return any(said in str(error) for said in ("Corrupt database file", "Could not read enough bytes from file"))


def set_aside(path: Path, reason: str) -> None:
    """Move a file out of the way, in the place of one that was set aside before.

    Raises:
        RollupFileError: it cannot be moved.
    """
    aside = path.with_name(path.name + ".aside")
    try:
        path.replace(aside)
        path.with_name(path.name + ".wal").unlink(missing_ok=True)
    except OSError as error:
        raise RollupFileError(f"{path} cannot be used ({reason}) nor moved; delete it") from error
    log.warning("rollup file set aside, the rollups are built anew", file=str(path), moved_to=str(aside), reason=reason)
