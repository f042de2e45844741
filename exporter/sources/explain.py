"""Plans, as EXPLAIN writes them in JSON."""

from collections.abc import Iterator
from typing import Any

from psycopg import sql

from exporter.sources.transaction import Transaction

Plan = dict[str, Any]
"""A node of a plan."""

EXPLAIN = "EXPLAIN (VERBOSE, FORMAT JSON) "


async def explain(transaction: Transaction, statement: sql.Composable, **parameters: object) -> Plan:
    """The plan of a statement, which is not executed; raises what PostgreSQL says of the statement."""
    rows = await transaction.rows(sql.Composed([sql.SQL(EXPLAIN), statement]), **parameters)
    plan: Plan = rows[0][0][0]["Plan"]
    return plan


def nodes(plan: Plan) -> Iterator[Plan]:
    """A plan and all plans below it."""
    yield plan
    for below in plan.get("Plans", ()):
        yield from nodes(below)


def distributed(plan: Plan) -> bool:
    """Whether Citus plans the statement, of which the plan then names no relation."""
    return any("Citus" in str(node.get("Custom Plan Provider", "")) for node in nodes(plan))
