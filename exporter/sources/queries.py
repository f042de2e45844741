"""A query in the place of a ledger's table: its output columns, the relations that it reads, and what it must not call."""

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

from psycopg import sql

from exporter.config import Ledger
from exporter.sources.below import BELOW, PLACE
from exporter.sources.findings import Finding, LedgerError
from exporter.sources.refusals import refusing
from exporter.sources.transaction import Transaction

Plan = dict[str, Any]
"""A node of what EXPLAIN says in JSON."""

_EXPLAIN = "EXPLAIN (VERBOSE, FORMAT JSON) "
_DESCRIBE = "SELECT * FROM ("
_UNION = re.compile(r"\bUNION\b", re.IGNORECASE)
_CLOCK = re.compile(r"\b(?:CURRENT_(?:DATE|TIME|TIMESTAMP)|LOCALTIME(?:STAMP)?)\b")
_CLOCK_FUNCTIONS = frozenset({"now", "transaction_timestamp", "statement_timestamp"})
_TEXT = re.compile(r"'(?:[^']|'')*'")
_NAME = r'"(?:[^"]|"")+"|\w+'
_NO_CALL = re.compile(r'"(?:[^"]|"")*"(?!\s*[(.])')
"""A name in quotes that does not name a function or a schema."""
_CALL = re.compile(rf"(?:({_NAME})\.)?({_NAME})\(")
_MOMENT = r"'\s*(?:now|today|tomorrow|yesterday)\s*'"
_MOMENTS = re.compile(rf"{_MOMENT}\s*::\s*(?:date|time)|\b(?:date|time|timestamp|timestamptz)\s+{_MOMENT}", re.IGNORECASE)
"""Texts that PostgreSQL reads as a time, once, when it plans the query."""
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
       ARRAY(SELECT DISTINCT proname::text FROM unnest(%(owners)s::text[], %(called)s::text[]) AS call (owner, name)
               JOIN pg_proc AS p ON p.proname = call.name JOIN pg_namespace AS n ON n.oid = p.pronamespace
              WHERE provolatile = 'v' AND (n.nspname = call.owner OR call.owner = '' AND pg_function_is_visible(p.oid))
              ORDER BY 1)
  FROM pg_control_system() AS cluster, (SELECT oid FROM pg_database WHERE datname = current_database()) AS base
""").format(below=BELOW, place=PLACE)


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
    relations = sorted({(node["Schema"], node["Relation Name"]) for node in nodes(plan) if "Relation Name" in node})
    texts = list(_texts(plan))
    facts = {"schemas": [schema for schema, _ in relations], "names": [name for _, name in relations]}
    calls = sorted({(_unquoted(owner), _unquoted(name)) for text in texts for owner, name in _CALL.findall(text)})
    facts |= {"owners": [owner for owner, _ in calls], "called": [name for _, name in calls]}
    rows = await transaction.rows(_FACTS, **facts, types=[type_code for _, type_code in columns])
    role, identity, filtered, rewritten, remote, partitions, roots, types, volatile = rows[0]
    _require_steady(ledger, plan, volatile, _clock(ledger, facts["called"], texts))
    if rewritten:
        raise LedgerError(Finding(f"table {rewritten} was rewritten a moment ago", "the next refresh will read it"))
    place = (remote or _distributed(plan), partitions, tuple(roots), bool(_UNION.search(ledger.query or "")))
    return identity, role, filtered, place, [(name, kind) for (name, _), kind in zip(columns, types, strict=True)]


def text_of(ledger: Ledger) -> sql.SQL:
    """The query, for a statement with parameters: there, psycopg takes %% for %."""
    return sql.SQL((ledger.query or "").replace("%", "%%"))


def nodes(plan: Plan) -> Iterator[Plan]:
    """A plan and all plans below it."""
    yield plan
    for below in plan.get("Plans", ()):
        yield from nodes(below)


def _distributed(plan: Plan) -> bool:
    """Whether Citus plans the query, which names no relation then."""
    return any("Citus" in str(node.get("Custom Plan Provider", "")) for node in nodes(plan))


async def _plan(transaction: Transaction, ledger: Ledger) -> Plan:
    """The plan of the query alone, so that a parenthesis too many cannot let it out of the ones around it."""
    async with refusing(transaction, ledger, len(_EXPLAIN)):
        rows = await transaction.rows(sql.SQL(_EXPLAIN) + text_of(ledger))
    plan: Plan = rows[0][0][0]["Plan"]
    return plan


async def _columns(transaction: Transaction, ledger: Ledger) -> list[tuple[str, int]]:
    async with refusing(transaction, ledger, len(_DESCRIBE)):
        # On a line of its own, for it may end in a comment.
        columns = await transaction.columns(sql.SQL(_DESCRIBE) + text_of(ledger) + sql.SQL("\n) AS ledger LIMIT 0"))
    twice = [name for name, count in Counter(name for name, _ in columns).items() if count > 1]
    if twice:
        text = f"ledgers.{ledger.name}.query has more than one output column {twice[0]}"
        raise LedgerError(Finding(text, "give each a name of its own: SELECT … AS name"))
    return columns


def _texts(plan: Plan) -> Iterator[str]:
    """The expressions of a plan, without texts, and without names in quotes that call nothing."""
    for node in nodes(plan):
        for key, value in node.items():
            if key != "Plans":
                for text in value if isinstance(value, list) else [value]:
                    yield _NO_CALL.sub('""', _TEXT.sub("''", str(text)))


def _unquoted(name: str) -> str:
    return name[1:-1].replace('""', '"') if name.startswith('"') else name


def _clock(ledger: Ledger, called: list[str], texts: list[str]) -> list[str]:
    """The expressions by which a query asks for the time."""
    words = sorted({word for text in texts for word in _CLOCK.findall(text)})
    return sorted(_CLOCK_FUNCTIONS.intersection(called)) + words + _MOMENTS.findall(ledger.query or "")


def _require_steady(ledger: Ledger, plan: Plan, volatile: list[str], clock: list[str]) -> None:
    """Refuse what gives other rows each time it is asked, so that the ledger would seem to change at every refresh."""
    sampled = ["TABLESAMPLE"] if any(node["Node Type"] == "Sample Scan" for node in nodes(plan)) else []
    if plan["Node Type"] == "Limit":
        remedy = f"select all rows, and let ledgers.{ledger.name}.filter leave out what is not to be counted"
        raise LedgerError(Finding(f"ledgers.{ledger.name}.query ends in LIMIT, so rows fall out of it as others come", remedy))
    changing = [f"{name}()" for name in volatile] + sampled
    if changing:
        remedy = "leave it out: a query must give the same rows whenever it is asked"
        raise LedgerError(Finding(f"ledgers.{ledger.name}.query calls {changing[0]}, which changes by itself", remedy))
    if clock and ledger.name != "budgets":
        remedy = "leave it out, and let report.windows bound the time: only the query of budgets may ask what time it is"
        raise LedgerError(Finding(f"ledgers.{ledger.name}.query depends on the time, by {clock[0]}", remedy))
