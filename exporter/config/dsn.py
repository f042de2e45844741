"""Connection strings: looked up again at every connect, and never shown."""

import os
import re
from pathlib import Path

import psycopg
from psycopg.conninfo import conninfo_to_dict

from exporter.config.errors import SecretError
from exporter.config.model import Database

NONE = (
    "no connection string;"
    " write postgresql://user:password@host/database, with %40 for an @ in the password, or host=… dbname=…"
)
# What is taken for a port may be a piece of a password, and is not repeated.
BAD_PORT = (
    "a connection string whose port is no number from 1 to 65535;"
    " correct it, and percent-encode special characters in the password"
)
_PORT = re.compile(r"\s*\+?(\d+)\s*", re.ASCII)


def conninfo(database: Database) -> str:
    """The connection string of a database as its variable or file says now, so that a rotated password needs no restart.

    Raises:
        SecretError: it is missing, empty or unparsable; one line that names the variable or the file, never the value.
    """
    place, dsn = _look_up(database)
    if wrong := mistake(dsn):
        raise SecretError(f"database '{database.name}': {place} holds {wrong}")
    return dsn


def mistake(dsn: str) -> str | None:
    """What a text is that libpq cannot use, and how to mend it; None for a connection string.

    An empty one is a mistake: it would mean any PostgreSQL near by.
    """
    if not dsn.strip() or "\0" in dsn:
        return NONE
    try:
        parts = conninfo_to_dict(dsn)
    except (psycopg.Error, UnicodeError):
        return NONE
    # An @ in a password that was not percent-encoded ends up here, and errors about a host or a port name it.
    if "@" in f"{parts.get('host', '')}{parts.get('port', '')}{parts.get('hostaddr', '')}":
        return NONE
    return None if all(map(_is_port, str(parts.get("port", "")).split(","))) else BAD_PORT


def _is_port(text: str) -> bool:
    """As libpq has it: one for each host, and an empty one is the default."""
    found = _PORT.fullmatch(text)
    return not text or (found is not None and 1 <= int(found[1]) <= 65535)


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
