"""The operator's filter: whether PostgreSQL takes it for a condition on the rows of the table."""

from psycopg import Error, errors, sql

from exporter.errors import first_line
from exporter.sources.findings import Finding, LedgerError, origin, quoted
from exporter.sources.mapping import Source
from exporter.sources.refusals import is_fault
from exporter.sources.transaction import Transaction


async def require_filter(transaction: Transaction, source: Source) -> None:
    """Have the filter planned over no rows, so that an error in it is not told as one of some other statement.

    Raises:
        LedgerError: PostgreSQL refuses it.
        psycopg.Error: something else is wrong.
    """
    if source.ledger.filter is None:
        return
    alone = sql.SQL(source.ledger.filter.replace("%", "%%"))
    opening = sql.SQL("SELECT 1 FROM {} WHERE (").format(source.name)
    await _plan(transaction, source, opening, alone + sql.SQL("\n) LIMIT 0"))
    # A parenthesis too many, which would let the filter out of the one around it, is a syntax error here.
    closing = sql.SQL("\n THEN 1 END FROM {} LIMIT 0").format(source.name)
    await _plan(transaction, source, sql.SQL("SELECT CASE WHEN ").format(), alone + closing)


async def _plan(transaction: Transaction, source: Source, opening: sql.Composed, rest: sql.Composed) -> None:
    try:
        async with transaction.savepoint():
            await transaction.rows(opening + rest)
    except Error as error:
        if transaction.broken or not is_fault(error):
            raise
        raise LedgerError(refused(source, error, len(opening.as_string().replace("%%", "%")))) from error


def refused(source: Source, error: Error, opened: int = 0) -> Finding:
    """What PostgreSQL says of the filter, which begins after ``opened`` characters of the statement."""
    ledger = source.ledger
    at = int(error.diag.statement_position or 0) - opened
    length = len(ledger.filter or "")
    place = "" if error.diag.statement_position is None else f", at character {at}" if at <= length else ", at its end"
    remedy = f"write an SQL condition on columns of {origin(ledger)}: {', '.join(source.table.columns)}"
    if isinstance(error, errors.InsufficientPrivilege):
        table, role = quoted(ledger.table) or "…", quoted((source.table.role,))
        remedy = f"GRANT SELECT (…) ON {table} TO {role}, for the columns that it names"
    return Finding(f"ledgers.{ledger.name}.filter is refused: {first_line(error)}{place}", remedy)
