"""The operator's filter: whether PostgreSQL takes it for a condition on the rows of the table, which stays the same."""

import re
from collections.abc import Iterator

from psycopg import Error, errors, sql

from exporter.errors import first_line
from exporter.sources.explain import EXPLAIN, Plan, distributed, explain, nodes
from exporter.sources.findings import Finding, LedgerError, origin, quoted
from exporter.sources.mapping import Source
from exporter.sources.refusals import is_fault
from exporter.sources.steady import VOLATILE, Planned
from exporter.sources.transaction import Transaction

_SUBPLAN = re.compile(r"(?:Init|Sub)Plan \w+|\$\d+")
"""The names of a subquery in its plan: ``SubPlan 1``, ``InitPlan 1 (returns $0)``. Expressions have one of them."""


async def require_filter(transaction: Transaction, source: Source) -> None:
    """Have the filter planned over no rows, so that an error in it is not told as one of some other statement.

    Raises:
        LedgerError: PostgreSQL refuses it, or it calls what changes by itself.
        psycopg.Error: something else is wrong.
    """
    if source.ledger.filter is None:
        return
    alone = sql.SQL(source.ledger.filter.replace("%", "%%"))
    opening = sql.SQL("SELECT 1 FROM {} WHERE (").format(source.name)
    await _plan(transaction, source, opening, alone + sql.SQL("\n) LIMIT 0"))
    # A parenthesis too many, which would let the filter out of the one around it, is a syntax error here.
    closing = sql.SQL("\n THEN 1 END FROM {} LIMIT 0").format(source.name)
    plan = await _plan(transaction, source, sql.SQL("SELECT CASE WHEN ").format(), alone + closing)
    planned = Planned(source.ledger, "filter", tuple(_of_filter(plan)))
    [(volatile,)] = await transaction.rows(sql.SQL("SELECT ") + VOLATILE, **planned.calls)
    planned.require_steady(volatile)


async def _plan(transaction: Transaction, source: Source, opening: sql.Composed, rest: sql.Composed) -> Plan:
    try:
        async with transaction.savepoint():
            return await explain(transaction, opening + rest)
    except Error as error:
        if transaction.broken or not is_fault(error):
            raise
        opened = len(EXPLAIN) + len(opening.as_string().replace("%%", "%"))
        raise LedgerError(refused(source, error, opened)) from error


def _of_filter(plan: Plan) -> Iterator[Plan]:
    """What the root of the plan computes, and the subqueries that it names; the other nodes belong to the table.

    A view, or a policy of the table, may depend on the time in places that are not the filter's.
    """
    if distributed(plan):
        yield from nodes(plan)
        return
    output = "\n".join(plan.get("Output", ()))
    yield {"Node Type": plan["Node Type"], "Output": output}
    for node in nodes(plan):
        if any(re.search(rf"{re.escape(name)}\b", output) for name in _SUBPLAN.findall(node.get("Subplan Name", ""))):
            yield from nodes(node)


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
