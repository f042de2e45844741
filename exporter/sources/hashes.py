"""How PostgreSQL hashes the value of a column, with functions that every PostgreSQL has, and that postgres_fdw can ship."""

from collections.abc import Mapping
from typing import LiteralString

from psycopg import sql

INTEGER = frozenset({"smallint", "integer", "bigint"})
FLOATING = frozenset({"real", "double precision"})
BYTEWISE = "text of which equal values have equal bytes"
"""The type of a text that is hashed without naming a collation: postgres_fdw ships no COLLATE."""
_FORMS: Mapping[str, tuple[LiteralString, LiteralString]] = {
    BYTEWISE: ("hashtextextended", "{}"),
    "numeric": ("hash_numeric_extended", "{}::numeric"),
    **dict.fromkeys(INTEGER, ("hashint8extended", "{}::bigint")),
    **dict.fromkeys(FLOATING, ("hashfloat8extended", "{}::float8")),
    # A cast would depend on the setting TimeZone, and be worked out where it is known.
    "timestamp with time zone": ("timestamp_hash_extended", "({} AT TIME ZONE interval '0')"),
    **dict.fromkeys(("timestamp without time zone", "date"), ("timestamp_hash_extended", "{}::timestamp")),
    "boolean": ("hashint8extended", "{}::int::bigint"),
    "uuid": ("uuid_hash_extended", "{}"),
}
"""By type, the function that hashes it with a seed, and the form of what it takes."""
_TEXT = ("hashtextextended", '{}::text COLLATE "C"')


def hashed(column: sql.Composable, kind: str, seed: int) -> sql.Composed:
    """64 bits, NULL of NULL. A type without a hash of its own is hashed as text."""
    function, form = _FORMS.get(kind, _TEXT)
    return sql.SQL("{}({}, {})").format(sql.SQL(function), sql.SQL(form).format(column), seed)


def hashed_or_zero(column: sql.Composable, kind: str, seed: int, *, remote: bool) -> sql.Composed:
    """As :func:`hashed`, and 0 of NULL. Of a ``remote`` table it can be shipped, but takes PostgreSQL a little longer."""
    form = "CASE WHEN {column} IS NULL THEN 0 ELSE {hash} END" if remote else "coalesce({hash}, 0)"
    return sql.SQL(form).format(column=column, hash=hashed(column, kind, seed))
