"""Parsers of names and texts. As in :mod:`exporter.config.values`, each raises ValueError: what is wrong; how to fix it."""

import os
import re
from collections.abc import Iterable
from pathlib import Path

import duckdb

from exporter.config.errors import quoted, suggestion

Identifier = tuple[str, ...]

NAME_LENGTH = 80
LONGEST_FILE_NAME = 240

_PART = r'[A-Za-z_][A-Za-z0-9_$]*|"(?:[^"]|"")+"'
_TABLE = re.compile(rf"(?:({_PART})\.)?({_PART})")
_DATABASE = re.compile(r"\w[\w.-]{0,62}", re.ASCII)


def one_of(kind: str, known: Iterable[str], value: object) -> str:
    """One of the known names. ``kind`` is what they name, for the message."""
    if not isinstance(value, str) or value not in known:
        raise ValueError(f"{quoted(value)} is not a known {kind}; {suggestion(str(value), sorted(known))}")
    return value


def text(value: object) -> str:
    """A text that is not blank."""
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"{quoted(value)} is not a text; write a text that is not blank, and put a number in quotes")
    return value


def file(value: object) -> Path:
    """The path of a file. Its name leaves room for the suffixes of the files beside it."""
    path = Path(text(value))
    if not 0 < len(os.fsencode(path.name)) <= LONGEST_FILE_NAME:
        raise ValueError(f"{quoted(value)} is not the path of a file; write one such as rollups.duckdb")
    return path


def table(value: object) -> Identifier:
    """A table in SQL syntax, split into parts. Unquoted parts are folded to lower case, as in PostgreSQL."""
    found = _TABLE.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        remedy = "write table or schema.table as SQL does, with double quotes around all but plain letters and digits"
        raise ValueError(f"{quoted(value)} is not a table; {remedy}")
    return tuple(part[1:-1].replace('""', '"') if part[0] == '"' else part.lower() for part in found.groups() if part)


def query(value: object) -> str:
    """A statement in SQL, without the semicolon that may end it."""
    statement = text(value).strip().removesuffix(";").rstrip()
    if not statement:
        raise ValueError(f"{quoted(value)} is not a query; write one SELECT")
    return statement


def column(value: object) -> str:
    """The exact name of a column; empty for null, which means that the table has no such column."""
    return "" if value is None else text(value)


def patterns(value: object) -> object:
    """A list that is not empty; ``pattern`` validates its items."""
    if not isinstance(value, list) or not value:
        raise ValueError("must be a list of one or more regular expressions, such as [acme, '^ac-']")
    return value


def pattern(value: object) -> str:
    """A regular expression for DuckDB, which uses RE2."""
    if not isinstance(value, str) or not value:
        raise ValueError(f"{quoted(value)} is not a regular expression; write a text that is not empty")
    try:
        with duckdb.connect() as connection:
            connection.execute("SELECT regexp_matches('', $1, 'i')", [value])
    except duckdb.Error as error:
        reason, _, place = str(error).partition(": ")[2].partition(": ")  # Invalid Input Error: missing ): (acme
    else:
        return value
    where = f" at {quoted(place)}" if place else ""
    raise ValueError(f"{quoted(value)} is not a regular expression that RE2 accepts: {quoted(reason)[1:-1]}{where}; correct it")


def family(value: str) -> str:
    """The name of a provider family, which becomes a label value."""
    if not value.strip() or len(value) > NAME_LENGTH or not value.isprintable():
        raise ValueError(f"{quoted(value)} cannot name a provider; write 1 to {NAME_LENGTH} printable characters")
    return value


def shard(value: object) -> str:
    """The name of the exporter's part of the ledgers, which becomes a label value."""
    name = text(value)
    if len(name) > NAME_LENGTH or not name.isprintable():
        raise ValueError(f"{quoted(value)} cannot name a shard; write 1 to {NAME_LENGTH} printable characters")
    return name


def database(value: str) -> str:
    """The name of a database, to which ledgers refer."""
    if not _DATABASE.fullmatch(value):
        raise ValueError("a database's name is made of up to 63 letters, digits, '_', '.' and '-'")
    return value
