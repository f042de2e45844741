"""Connection strings: looked up anew at every connect, and never shown."""

import os
from pathlib import Path

import psycopg
from psycopg.conninfo import conninfo_to_dict

from exporter.config.errors import SecretError
from exporter.config.model import Database

FORM = "postgresql://user:password@host/database, with %40 for an @ in the password, or host=… dbname=…"


def conninfo(database: Database) -> str:
    """The connection string of a database as its variable or file says now, so that a rotated password needs no restart.

    Raises:
        SecretError: it is missing, empty or unparsable; one line that names the variable or the file, never the value.
    """
    place, dsn = _look_up(database)
    if not usable(dsn):
        raise SecretError(f"database '{database.name}': {place} holds no connection string; write {FORM}")
    return dsn


def usable(dsn: str) -> bool:
    """Whether libpq can parse the string. An empty one is not usable: it would mean any PostgreSQL near by."""
    if not dsn.strip() or "\0" in dsn:
        return False
    try:
        parts = conninfo_to_dict(dsn)
    except (psycopg.Error, UnicodeError):
        return False
    # An @ in a password that was not percent-encoded ends up here, and errors about a host or a port name it.
    return "@" not in f"{parts.get('host', '')}{parts.get('port', '')}{parts.get('hostaddr', '')}"


def _look_up(database: Database) -> tuple[str, str]:
    """Where the string stands, in words, and the string."""
    if database.dsn_env is not None:
        return f"environment variable {database.dsn_env}", _variable(database.name, database.dsn_env)
    if database.dsn_file is not None:
        return f"file {database.dsn_file}", _content(database.name, database.dsn_file)
    return "dsn", database.dsn or ""


def _variable(name: str, variable: str) -> str:
    if variable not in os.environ:
        raise SecretError(f"database '{name}': environment variable {variable} is not set; set it to the connection string")
    return os.environ[variable]


def _content(name: str, path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").rstrip("\r\n")
    except OSError as error:
        reason = error.strerror or type(error).__name__
    except ValueError:
        reason = "not UTF-8 text"
    raise SecretError(f"database '{name}': file {path} cannot be read: {reason}; put the connection string there")
