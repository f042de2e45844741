"""Databases and their connection strings, which are read at every connect and never shown."""

import os
import re
from pathlib import Path
from typing import Annotated, Self

import psycopg
from psycopg.conninfo import conninfo_to_dict
from pydantic import Field, PlainValidator, model_validator

from exporter.config.errors import CONNECTION, SecretError
from exporter.config.validation import Named, parsed

_NONE = (
    "not a connection string;"
    " write postgresql://user:password@host/database, with %40 for an @ in the password, or host=… dbname=…"
)
# The port is not repeated: it may be part of a password.
_BAD_PORT = (
    "a connection string whose port is not a number from 1 to 65535;"
    " correct it, and percent-encode special characters in the password"
)
_PORT = re.compile(r"\s*\+?(\d+)\s*", re.ASCII)
_VARIABLE = re.compile(r"[A-Za-z_]\w*", re.ASCII)


def _connection(value: object) -> str:
    wrong = _mistake(value) if isinstance(value, str) else _NONE
    if not isinstance(value, str) or wrong:
        raise ValueError(f"is {wrong}")
    return value


def _variable(value: object) -> str:
    if not isinstance(value, str) or not _VARIABLE.fullmatch(value):
        raise ValueError("is not the name of a variable, such as LEDGER_DSN; a connection string belongs under dsn")
    return value


def _file(value: object) -> Path:
    if not isinstance(value, str) or not value.strip() or CONNECTION.search(value):
        raise ValueError("is not the path of a file, such as /run/secrets/dsn; a connection string belongs under dsn")
    return Path(value)


class Database(Named):
    """``databases.<name>``: where one PostgreSQL is. Exactly one of ``dsn``, ``dsn_env`` and ``dsn_file`` is set."""

    dsn: Annotated[str, PlainValidator(_connection)] | None = Field(None, repr=False)
    dsn_env: Annotated[str, PlainValidator(_variable)] | None = None
    dsn_file: Annotated[Path, parsed(Path, _file)] | None = None

    @model_validator(mode="before")
    @classmethod
    def _mapping(cls, data: object) -> object:
        if not isinstance(data, dict):
            raise ValueError("each database must be a mapping with one of dsn, dsn_env and dsn_file")  # noqa: TRY004 - pydantic reports a ValueError only
        return data

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        if [self.dsn, self.dsn_env, self.dsn_file].count(None) != 2:
            raise ValueError("give exactly one of dsn, dsn_env and dsn_file")
        return self


def conninfo(database: Database) -> str:
    """The connection string of a database as its variable or file holds it now, so that a new password needs no restart.

    Raises:
        SecretError: it is missing, empty or cannot be parsed; one line that names the variable or the file, never the value.
    """
    place, dsn = _look_up(database)
    if wrong := _mistake(dsn):
        raise SecretError(f"database '{database.name}': the value in {place} is {wrong}")
    return dsn


def _mistake(dsn: str) -> str | None:
    """Why libpq cannot use a text, and the fix; None for a connection string.

    An empty one is a mistake: libpq would connect to any local PostgreSQL.
    """
    if not dsn.strip() or "\0" in dsn:
        return _NONE
    try:
        parts = conninfo_to_dict(dsn)
    except (psycopg.Error, UnicodeError):
        return _NONE
    # An @ in a password that was not percent-encoded ends up here, and errors about a host or a port name it.
    if "@" in f"{parts.get('host', '')}{parts.get('port', '')}{parts.get('hostaddr', '')}":
        return _NONE
    return None if all(map(_is_port, str(parts.get("port", "")).split(","))) else _BAD_PORT


def _is_port(text: str) -> bool:
    """As in libpq: there is one port for each host, and an empty one is the default."""
    found = _PORT.fullmatch(text)
    return not text or (found is not None and 1 <= int(found[1]) <= 65535)


def _look_up(database: Database) -> tuple[str, str]:
    """The place of the connection string, in words, and the string."""
    variable, path = database.dsn_env, database.dsn_file
    try:
        if variable is not None:
            return f"environment variable {variable}", os.environ[variable]
        if path is not None:
            return f"file {path}", path.read_text(encoding="utf-8").rstrip("\r\n")
    except KeyError:
        wrong = f"environment variable {variable} is not set; set it to the connection string"
    except OSError as error:
        wrong = f"file {path} cannot be read: {error.strerror or type(error).__name__}; put the connection string there"
    except ValueError:
        wrong = f"file {path} cannot be read: not UTF-8 text; put the connection string there"
    else:
        return "dsn", database.dsn or ""
    raise SecretError(f"database '{database.name}': {wrong}")
