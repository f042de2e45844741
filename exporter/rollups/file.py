"""The rollup file itself. One that cannot be used is set aside, never repaired: all of it can be read again."""

import hashlib
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


class RollupFileError(Exception):
    """The file cannot be used, nor another one be made in its place; the message is one line for the user."""


def open_file(path: Path) -> DuckDBPyConnection:
    """Open the file, or make it. One that is damaged, or of another version of the exporter, is set aside.

    Raises:
        RollupFileError: another process has it open, or its directory cannot be written to.
    """
    try:
        connection = _connect(path)
        if _format(connection) == FORMAT:
            return connection
        connection.close()
        _set_aside(path, "it was made by another version of the exporter")
    except duckdb.Error as error:
        if "lock on file" in str(error):
            raise RollupFileError(f"{path} is in use by another process; give each exporter a state.path of its own") from error
        if not path.is_file():
            raise RollupFileError(f"{path} cannot be made; state.path needs a directory that can be written to") from error
        _set_aside(path, "it is damaged")
    try:
        return _connect(path)
    except duckdb.Error as error:
        raise RollupFileError(f"{path} cannot be made; state.path needs a directory that can be written to") from error


def _connect(path: Path) -> DuckDBPyConnection:
    connection = duckdb.connect(str(path), config={"memory_limit": "192MB", "threads": 1})
    if not connection.execute("FROM duckdb_tables()").fetchone():
        connection.execute(SCHEMA)
        connection.execute("INSERT INTO state VALUES ('format', ?)", [FORMAT])
    return connection


def _format(connection: DuckDBPyConnection) -> str | None:
    try:
        row = connection.execute("SELECT value FROM state WHERE name = 'format'").fetchone()
    except duckdb.CatalogException:  # somebody else's tables
        return None
    return row[0] if row else None


def _set_aside(path: Path, reason: str) -> None:
    aside = path.with_name(path.name + ".aside")
    try:
        path.replace(aside)
        path.with_name(path.name + ".wal").unlink(missing_ok=True)
    except OSError as error:
        raise RollupFileError(f"{path} cannot be used ({reason}) nor moved; delete it") from error
    log.warning("rollup file set aside, the rollups are built anew", file=str(path), moved_to=str(aside), reason=reason)
