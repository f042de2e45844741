"""The rollup file. A file that cannot be used is set aside and never repaired: the ledgers can be read again.

If the configuration names the file of another program by mistake, that file is set aside too. Its content is not changed.
"""

import hashlib
import os
import stat
from pathlib import Path

import duckdb
import structlog
from duckdb import DuckDBPyConnection

from exporter.rollups.schema import SCHEMA

log = structlog.get_logger()

MEANING = 7
"""Raised whenever the same tables are filled with something else than before."""
FORMAT = f"{MEANING}-{hashlib.sha256(SCHEMA.encode()).hexdigest()[:16]}"
REMEDY = "fix: set state.path to a file in a writable directory"
NO_FILES = {"d": "a directory", "p": "a pipe", "s": "a socket"}
MAGIC = slice(8, 12)
"""Where a file of DuckDB says that it is one."""
SETTINGS: dict[str, str | bool | int | float | list[str]] = {
    "memory_limit": "192MB",
    "threads": 1,
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "allow_community_extensions": False,
    "allow_persistent_secrets": False,
}
AMBIGUOUS = "?*[\\"
"""Characters of a path that DuckDB reads as something else: the end of a file name, a pattern, a separator."""
MOST_ASIDE = 10
"""Files that are kept for others, so that a disk is never filled with them."""


class RollupFileError(Exception):
    """The file cannot be used, nor another one be made in its place; the message is one line for the user."""


class _UnusableError(Exception):
    """The file holds something else than rollups of this version of the exporter; the message says what."""


def open_file(path: Path) -> DuckDBPyConnection:
    """Open the file, or make it. One that holds something else, or is damaged, is set aside.

    Raises:
        RollupFileError: it is no file, another process has it open, or its directory cannot be written to.
    """
    require_file(path)
    existed = path.exists()
    try:
        return _connect(path)
    except _UnusableError as error:
        set_aside(path, str(error))
    except duckdb.Error as error:
        if "lock on file" in str(error):
            raise RollupFileError(f"{path} is in use by another process; fix: give each exporter its own state.path") from error
        if not existed:
            raise RollupFileError(f"{path} cannot be made; {REMEDY}") from error
        set_aside(path, "it is damaged" if os.access(path, os.R_OK | os.W_OK) else "it may not be read and written")
    try:
        return _connect(path)
    except duckdb.Error as error:
        raise RollupFileError(f"{path} cannot be made; {REMEDY}") from error


def scratch_directory(path: Path) -> Path:
    """Where rows that were read lie until they are in the rollup file, and what does not fit into memory."""
    return path.with_name(path.name + ".reading")


def require_file(path: Path) -> None:
    """Refuse a path that DuckDB would misread, or that is not a regular file. Opening a pipe, for example, would block.

    Raises:
        RollupFileError: the path cannot be that of a rollup file.
    """
    wrong = [each for each in AMBIGUOUS if each in str(path)]
    if wrong:
        raise RollupFileError(f"state.path {path} holds {' '.join(wrong)}, which DuckDB misreads; fix: choose another path")
    kind = _kind(path)
    if kind not in ("", "-"):
        raise RollupFileError(f"{path} is {NO_FILES.get(kind, 'a device')}; fix: set state.path to the path of a file")


def _kind(path: Path) -> str:
    """The first letter of what ``ls -l`` shows: ``-`` for a file; nothing where there is none, or none to be seen."""
    try:
        return stat.filemode(path.stat().st_mode)[0]
    except OSError:
        return ""


def _connect(path: Path) -> DuckDBPyConnection:
    if not is_database(path):  # DuckDB would hand those of other programs to an extension
        raise _UnusableError("it is no rollup file, or the beginning of it is lost")
    connection = duckdb.connect(str(path), config=SETTINGS)
    try:
        path.chmod(0o600)
        _confine(connection, path)
        _prepare(connection)
    except (duckdb.Error, _UnusableError):
        connection.close()  # what is open is shared: the next file of this name would be the same
        raise
    return connection


def _confine(connection: DuckDBPyConnection, path: Path) -> None:
    """Let the session reach nothing but its own file and the scratch directory."""
    scratch = scratch_directory(path)
    connection.execute("SET temp_directory = $directory", {"directory": str(scratch / "spilled")})
    connection.execute("SET allowed_directories = $directories", {"directories": [f"{scratch}/"]})
    connection.execute("SET enable_external_access = false")


def is_database(path: Path) -> bool:
    """Whether the file, if it can be read, begins as those of DuckDB do."""
    try:
        with path.open("rb") as file:
            return file.read(MAGIC.stop)[MAGIC] == b"DUCK"
    except OSError:
        return True


def _prepare(connection: DuckDBPyConnection) -> None:
    if not connection.execute("FROM duckdb_tables()").fetchone():
        connection.execute(SCHEMA)
        connection.execute("INSERT INTO state VALUES ('format', ?)", [FORMAT])
    found = _format(connection)
    if found is None:
        raise _UnusableError("it is the database of another program")
    if found != FORMAT:
        raise _UnusableError("it was made by another version of the exporter")


def _format(connection: DuckDBPyConnection) -> str | None:
    try:
        row = connection.execute("SELECT value FROM state WHERE name = 'format'").fetchone()
    except (duckdb.ProgrammingError, duckdb.DataError):  # somebody else's tables
        return None
    return row[0] if row else None


def is_damage(error: BaseException) -> bool:
    """Whether a block of the file is not what was written, or not there, as DuckDB finds out when it comes to read it."""
    return any(said in str(error) for said in ("Corrupt database file", "Could not read enough bytes from file"))


def set_aside(path: Path, reason: str) -> None:
    """Move a file out of the way, with its write-ahead log, in the place of a rollup file that was set aside before.

    Raises:
        RollupFileError: it cannot be moved.
    """
    names = (f"{path.name}.aside", *(f"{path.name}.aside.{number}" for number in range(1, MOST_ASIDE)))
    try:
        aside = next(filter(_replaceable, map(path.with_name, names)), None)
        if aside:
            _move(path, aside)
    except OSError as error:
        raise RollupFileError(f"{path} cannot be used ({reason}) and cannot be moved; fix: delete it") from error
    if aside is None:
        raise RollupFileError(f"{path} cannot be used ({reason}); fix: delete it, or the files {path.name}.aside* beside it")
    log.warning("rollup file set aside, the rollups are built again", file=str(path), moved_to=str(aside), reason=reason)


def _replaceable(path: Path) -> bool:
    """Whether nothing is lost when a file takes this place: it is free, or holds a rollup file, or what damage left of one."""
    if path.is_symlink() or not path.is_file():
        return not os.path.lexists(path)
    if not is_database(path):
        return path.stat().st_size == 0
    try:
        with duckdb.connect(str(path), read_only=True, config=SETTINGS) as connection:
            return _format(connection) is not None
    except duckdb.Error as error:
        return is_damage(error)


def _move(path: Path, aside: Path) -> None:
    """In an order in which, whenever it is broken off, no log is left beside a file that it does not belong to."""
    log_before, log_after = (each.with_name(each.name + ".wal") for each in (path, aside))
    if aside.exists():
        log_after.unlink(missing_ok=True)
        aside.unlink()
    if log_before.exists():
        log_before.replace(log_after)
    path.replace(aside)
