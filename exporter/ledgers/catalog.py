"""What PostgreSQL's catalog says of a ledger's table: its identity, columns, types, rights and indexes."""

from collections.abc import Mapping
from dataclasses import dataclass

from psycopg import sql

from exporter.config import Ledger
from exporter.database import Transaction

_TABLE = sql.SQL("""
SELECT system_identifier, c.oid::bigint
  FROM pg_control_system(), pg_class AS c
 WHERE c.oid = to_regclass(%(table)s)
""")

_COLUMNS = sql.SQL("""
SELECT a.attname, format_type(coalesce(nullif(t.typbasetype, 0), t.oid), NULL),
       has_column_privilege(a.attrelid, a.attnum, 'SELECT')
  FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
 WHERE a.attrelid = %(oid)s::bigint::oid AND a.attnum > 0 AND NOT a.attisdropped
""")

_LEADING = sql.SQL("""
SELECT DISTINCT a.attname
  FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
 WHERE i.indrelid = %(oid)s::bigint::oid AND i.indisvalid AND i.indpred IS NULL
""")


class MissingTable(Exception):
    """The ledger's table does not exist; the message is one line for the user."""


QUOTE = '"'


@dataclass(frozen=True, slots=True)
class Column:
    """One column of the source: its base type as ``format_type`` names it, and whether this role may read it."""

    type: str
    readable: bool


@dataclass(frozen=True, slots=True)
class Table:
    """A ledger's table. ``identity`` changes when the ledger is another one: another cluster, or a table made anew."""

    identity: str
    columns: Mapping[str, Column]
    indexed: frozenset[str]
    """Columns that come first in an index."""


async def inspect(transaction: Transaction, ledger: Ledger) -> Table:
    """Look the ledger's table up.

    Raises:
        MissingTable: there is no such table. Where the role may not use the schema, PostgreSQL itself says so.
    """
    name = ".".join(f'"{part.replace(QUOTE, QUOTE * 2)}"' for part in ledger.table)
    found = await transaction.rows(_TABLE, table=name)
    if not found:
        raise MissingTable(f"table {name} does not exist; set ledgers.{ledger.name}.table to the table that holds this ledger")
    system, oid = found[0]
    columns = await transaction.rows(_COLUMNS, oid=oid)
    leading = await transaction.rows(_LEADING, oid=oid)
    return Table(
        identity=f"{system}/{oid}",
        columns={column: Column(type_name, readable) for column, type_name, readable in columns},
        indexed=frozenset(column for (column,) in leading),
    )
