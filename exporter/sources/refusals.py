"""What PostgreSQL refuses of SQL that the operator wrote, a filter or a query: what is wrong, where, and how to fix it."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from psycopg import Error, errors, sql

from exporter.config import Ledger
from exporter.errors import first_line
from exporter.sources import grants
from exporter.sources.findings import Finding, LedgerError
from exporter.sources.relations import named, usage
from exporter.sources.transaction import Transaction

_FAULTS = ("0A", "21", "22", "25", "2B", "42")
"""Classes of SQLSTATE that say something of a statement; all others say something of the server or the connection."""
_PARAMETER = "08P01"
"""That a statement has a parameter, such as $1, which nobody gives."""


def is_fault(error: Error) -> bool:
    """Whether an error says something of the statement, and not of the server or the connection."""
    return (error.sqlstate or "")[:2] in _FAULTS or error.sqlstate == _PARAMETER


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
        return Finding(text, await _permission(transaction, ledger, error))
    if isinstance(error, errors.UndefinedTable) and (remedy := await _remedy(transaction, error)):
        return Finding(text, remedy)
    hint = error.diag.message_hint
    return Finding(text, f"correct the query ({hint.rstrip('.')})" if hint else "correct the query, which must be one SELECT")


async def _permission(transaction: Transaction, ledger: Ledger, error: Error) -> str:
    schema = re.fullmatch(r"permission denied for schema (.+)", first_line(error))
    if schema:
        [(role,)] = await transaction.rows(sql.SQL("SELECT current_user"))
        return usage(schema[1], role)
    return await grants.missing(transaction, ledger.query or "") or (
        "let the query be one SELECT that only reads; if it is, grant the exporter's role what it calls"
    )


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


async def _remedy(transaction: Transaction, error: Error) -> str | None:
    """How to reach the relation that PostgreSQL does not find, if there is one of this name in any case."""
    missing = first_line(error).partition('"')[2].rpartition('"')[0]
    found = await named(transaction, missing.rpartition(".")[2])
    if not found:
        return None
    return f"write {found[0].written} in the query" if found[0].usable else found[0].grant
