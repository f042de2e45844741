"""A query in the place of a ledger's table: its output columns, the relations that it reads, and what it must not call."""

import re
from collections import Counter

from psycopg import sql

from exporter.config import Ledger
from exporter.sources.below import BELOW, PLACE
from exporter.sources.explain import EXPLAIN, Plan, distributed, explain, nodes
from exporter.sources.findings import Finding, LedgerError
from exporter.sources.refusals import refusing
from exporter.sources.steady import VOLATILE, Planned
from exporter.sources.transaction import Transaction

_DESCRIBE = "SELECT * FROM ("
_UNION = re.compile(r"\bUNION\b", re.IGNORECASE)
# Partitions may be pruned from a plan, so that the roots of what it names are the same in every plan.
_FACTS = sql.SQL("""
WITH RECURSIVE roots (oid) AS (
    SELECT DISTINCT coalesce(pg_partition_root(c.oid), c.oid)::oid AS oid
      FROM unnest(%(schemas)s::text[], %(names)s::text[]) AS read (schema, name)
      JOIN pg_namespace AS n ON n.nspname = read.schema JOIN pg_class AS c ON c.relnamespace = n.oid AND c.relname = read.name
), {below}, {place}
SELECT current_user,
       concat_ws('/', cluster.system_identifier, base.oid, (SELECT string_agg(oid::text, ',' ORDER BY oid) FROM roots)),
       EXISTS (SELECT FROM roots WHERE row_security_active(oid)),
       (SELECT min(relname) FROM below JOIN pg_class USING (oid) WHERE file <> pg_relation_filenode(oid)),
       (SELECT remote FROM place), (SELECT partitions FROM place), ARRAY(SELECT oid::bigint FROM roots ORDER BY 1),
       ARRAY(SELECT format_type(type, NULL) FROM unnest(%(types)s::oid[]) WITH ORDINALITY AS t (type, number) ORDER BY number),
       {volatile}
  FROM pg_control_system() AS cluster, (SELECT oid FROM pg_database WHERE datname = current_database()) AS base
""").format(below=BELOW, place=PLACE, volatile=VOLATILE)


Place = tuple[bool, str, tuple[int, ...], bool]
"""As a table has it: ``remote, partitions, roots, union``."""


async def inspect(transaction: Transaction, ledger: Ledger) -> tuple[str, str, bool, Place, list[tuple[str, str]]]:
    """Ask PostgreSQL about the ledger's query: ``(identity, role, filtered, place, [(column, type)])``.

    The relations that the query reads stay locked against being rewritten until the transaction ends.

    Raises:
        LedgerError: PostgreSQL refuses the query, or it calls what changes by itself, or one of its tables was just rewritten.
        psycopg.Error: something else is wrong.
    """
    plan = await _plan(transaction, ledger)
    columns = await _columns(transaction, ledger)
    planned = Planned(ledger, "query", tuple(nodes(plan)))
    relations = sorted({(node["Schema"], node["Relation Name"]) for node in planned.nodes if "Relation Name" in node})
    facts = {"schemas": [schema for schema, _ in relations], "names": [name for _, name in relations]}
    rows = await transaction.rows(_FACTS, **facts, **planned.calls, types=[type_code for _, type_code in columns])
    role, identity, filtered, rewritten, remote, partitions, roots, types, volatile = rows[0]
    _require_all_rows(ledger, plan)
    planned.require_steady(volatile)
    if rewritten:
        raise LedgerError(Finding(f"table {rewritten} was rewritten a moment ago", "the next refresh will read it"))
    place = (remote or distributed(plan), partitions, tuple(roots), bool(_UNION.search(ledger.query or "")))
    return identity, role, filtered, place, [(name, kind) for (name, _), kind in zip(columns, types, strict=True)]


def text_of(ledger: Ledger) -> sql.SQL:
    """The query, for a statement with parameters: there, psycopg takes %% for %."""
    return sql.SQL((ledger.query or "").replace("%", "%%"))


async def _plan(transaction: Transaction, ledger: Ledger) -> Plan:
    """The plan of the query alone, so that a parenthesis too many cannot let it out of the ones around it."""
    async with refusing(transaction, ledger, len(EXPLAIN)):
        return await explain(transaction, text_of(ledger))


async def _columns(transaction: Transaction, ledger: Ledger) -> list[tuple[str, int]]:
    async with refusing(transaction, ledger, len(_DESCRIBE)):
        # On a line of its own, for it may end in a comment.
        columns = await transaction.columns(sql.SQL(_DESCRIBE) + text_of(ledger) + sql.SQL("\n) AS ledger LIMIT 0"))
    twice = [name for name, count in Counter(name for name, _ in columns).items() if count > 1]
    if twice:
        text = f"ledgers.{ledger.name}.query has more than one output column {twice[0]}"
        raise LedgerError(Finding(text, "give each a name of its own: SELECT … AS name"))
    return columns


def _require_all_rows(ledger: Ledger, plan: Plan) -> None:
    if plan["Node Type"] == "Limit":
        remedy = f"select all rows, and let ledgers.{ledger.name}.filter leave out what is not to be counted"
        raise LedgerError(Finding(f"ledgers.{ledger.name}.query ends in LIMIT, so rows fall out of it as others come", remedy))
