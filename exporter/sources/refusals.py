"""What PostgreSQL refuses of SQL that the operator wrote, a filter or a query: what is wrong, where, and how to fix it."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from psycopg import Error, errors, sql

from exporter.config import Ledger
from exporter.errors import first_line
from exporter.sources.findings import Finding, LedgerError, quoted
from exporter.sources.transaction import Transaction

_FAULTS = ("0A", "21", "22", "25", "2B", "42")
"""Classes of SQLSTATE that say something of a statement; all others say something of the server or the connection."""
_SAME_IN_OTHER_CASE = sql.SQL("""
SELECT n.nspname, c.relname, pg_table_is_visible(c.oid), has_schema_privilege(n.oid, 'USAGE'), current_user
  FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
 WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND lower(c.relname) = lower(%(name)s)
 ORDER BY 3 DESC, c.relname = %(name)s DESC, 1, 2
""")


def is_fault(error: Error) -> bool:
    """Whether an error says something of the statement, and not of the server or the connection."""
    return (error.sqlstate or "")[:2] in _FAULTS


@asynccontextmanager
async def refusing(transaction: Transaction, ledger: Ledger, before: int) -> AsyncIterator[None]:
    """A statement in which the ledger's query begins after so many characters.

    Raises:
        LedgerError: PostgreSQL refuses the query.
        psycopg.Error: something else is wrong.
    """
    try:
        async with transaction.savepoint():
            yield
    except Error as error:
        if transaction.broken or not is_fault(error):
            raise
        refusal = error
    else:
        return
    raise LedgerError(await _refused(transaction, ledger, refusal, before)) from refusal


async def _refused(transaction: Transaction, ledger: Ledger, error: Error, before: int) -> Finding:
    text = f"ledgers.{ledger.name}.query is refused: {first_line(error)}{_place(ledger, error, before)}"
    if isinstance(error, errors.InsufficientPrivilege):
        return Finding(text, await _grants(transaction, ledger))
    if isinstance(error, errors.UndefinedTable) and (remedy := await _remedy(transaction, error)):
        return Finding(text, remedy)
    hint = error.diag.message_hint
    return Finding(text, f"correct the query ({hint.rstrip('.')})" if hint else "correct the query, which must be one SELECT")


def _place(ledger: Ledger, error: Error, before: int) -> str:
    """Where in the query the error is, by line and character, as far as PostgreSQL says."""
    at = int(error.diag.statement_position or 0) - before
    text = ledger.query or ""
    if error.diag.statement_position is None or at < 1:
        return ""
    if at > len(text):
        return ", at its end"
    above, _, line = text[: at - 1].rpartition("\n")
    number = above.count("\n") + 2 if "\n" in text[: at - 1] else 1
    return f", at line {number}, character {len(line) + 1}"


def words(text: str) -> list[str]:
    """The names that SQL may mean: quoted ones as they are, others in lower case."""
    found = re.findall(r'"((?:[^"]|"")+)"|([A-Za-z_][\w$]*)', text)
    return sorted({name.replace('""', '"') or plain.lower() for name, plain in found})


async def _remedy(transaction: Transaction, error: Error) -> str | None:
    """How to reach the relation that PostgreSQL does not find, if there is one of this name in any case."""
    missing = first_line(error).partition('"')[2].rpartition('"')[0]
    rows = await transaction.rows(_SAME_IN_OTHER_CASE, name=missing.rpartition(".")[2])
    if not rows:
        return None
    schema, found, visible, usable, role = rows[0]
    if not usable:
        return f"GRANT USAGE ON SCHEMA {quoted((schema,))} TO {quoted((role,))}"
    return f"write {quoted((found,) if visible else (schema, found))} in the query"


async def in_other_case(transaction: Transaction, name: str) -> tuple[str, ...] | None:
    """A relation of this name in any case, as it must be written: with its schema only where it needs one."""
    rows = await transaction.rows(_SAME_IN_OTHER_CASE, name=name)
    return None if not rows else (rows[0][1],) if rows[0][2] else (rows[0][0], rows[0][1])


# Of the relations that are named in the query, the columns named in it that the role may not read.
_HIDDEN = sql.SQL("""
SELECT current_user, n.nspname, c.relname, pg_table_is_visible(c.oid), has_schema_privilege(n.oid, 'USAGE'),
       array_agg(a.attname::text ORDER BY a.attnum)
  FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace JOIN pg_attribute AS a ON a.attrelid = c.oid
 WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND c.relname = ANY(%(words)s) AND a.attname = ANY(%(words)s)
   AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND (pg_table_is_visible(c.oid) OR n.nspname = ANY(%(words)s))
   AND a.attnum > 0 AND NOT a.attisdropped AND NOT has_column_privilege(c.oid, a.attnum, 'SELECT')
 GROUP BY n.oid, n.nspname, c.oid, c.relname ORDER BY 2, 3
""")


async def _grants(transaction: Transaction, ledger: Ledger) -> str:
    """The GRANTs that the role needs, column by column."""
    rows = await transaction.rows(_HIDDEN, words=words(ledger.query or ""))
    found = []
    for role, schema, name, visible, usable, columns in rows:
        to = quoted((role,))
        if not usable:
            found.append(f"GRANT USAGE ON SCHEMA {quoted((schema,))} TO {to}")
        listed = ", ".join(quoted((column,)) for column in columns)
        found.append(f"GRANT SELECT ({listed}) ON {quoted((name,) if visible else (schema, name))} TO {to}")
    return "; ".join(found) or "GRANT SELECT, on the columns that the query names, to the exporter's role"
