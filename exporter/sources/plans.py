"""Whether an index serves the range of time that a refresh reads, as PostgreSQL plans it through views and queries."""

import re
from datetime import datetime
from functools import partial

from psycopg import sql

from exporter.calendar import HOUR
from exporter.sources import statements
from exporter.sources.explain import Plan, explain, nodes
from exporter.sources.findings import Finding, origin, quoted
from exporter.sources.mapping import Source
from exporter.sources.transaction import Transaction

MARK = 70_809
"""Microseconds of the hour that is planned, by which it is found in the conditions of the plan."""
_SERVED = ("Index Cond", "Recheck Cond", "TID Cond", "Remote SQL")
_READ = ("Filter", "Join Filter", "One-Time Filter", "Hash Cond")


async def scans(transaction: Transaction, source: Source, newest: datetime) -> list[Finding]:
    """Warnings about parts of a ledger that a refresh reads as a whole, with the words of the plan of its newest hour."""
    start = (newest - HOUR).replace(microsecond=MARK)
    bounds = {"start": start, "end": start + HOUR, "high": 0}
    ranged = await _planned(transaction, statements.entries(source), **bounds)
    ordered = await _planned(transaction, statements.position(source), now=transaction.now)
    found = [*map(partial(_unranged, source), dict.fromkeys(_words(node) for node in nodes(ranged) if _unserved(node)))]
    sorts = dict.fromkeys(_words(node) for node in nodes(ordered) if "Sort" in node["Node Type"])
    return found or [*map(partial(_unordered, source), sorts)]


async def _planned(transaction: Transaction, statement: sql.Composed, **parameters: object) -> Plan:
    """The plan by indexes, if that is possible: of a small table PostgreSQL prefers to read and sort all."""
    settings = ("enable_seqscan", "enable_sort")
    async with transaction.savepoint():
        for name in settings:
            await transaction.rows(sql.SQL("SET LOCAL {} = off").format(sql.Identifier(name)))
        plan = await explain(transaction, statement, **parameters)
        for name in settings:
            await transaction.rows(sql.SQL("SET LOCAL {} TO DEFAULT").format(sql.Identifier(name)))
    return plan


def _unserved(node: Plan) -> bool:
    return _bounds(node, _READ) and not _bounds(node, _SERVED)


def _bounds(node: Plan, keys: tuple[str, ...]) -> bool:
    return any(f".{MARK:06d}" in str(node.get(key, "")) for key in keys)


def _words(node: Plan) -> str:
    """As EXPLAIN writes it: ``Seq Scan on public.calls``."""
    scanned = next((below for below in nodes(node) if "Relation Name" in below), None)
    words = str(node["Node Type"])
    return f"{words} on {quoted((scanned['Schema'], scanned['Relation Name']))}" if scanned else words


def _with(source: Source) -> str:
    """PostgreSQL keeps conditions and orders outside of a query that has a WITH."""
    return "; write the query without WITH" if re.search(r"\bWITH\b", source.ledger.query or "", re.IGNORECASE) else ""


def _unordered(source: Source, words: str) -> Finding:
    text = (
        f"no index tells which entry of {origin(source.ledger)} is the newest or the oldest, so each refresh reads all: {words}"
    )
    remedy = (
        "let entry_id and occurred_at be bare columns of a table that each lead an index there;"
        f" the condition of one part of a UNION ALL belongs into ledgers.{source.ledger.name}.filter{_with(source)}"
    )
    return Finding(text, remedy, warning=True)


def _unranged(source: Source, words: str) -> Finding:
    column = quoted((source.ledger.columns[source.ledger.timed_by],))
    text = f"no index serves a range of {column} of {origin(source.ledger)}, so each refresh reads all of it: {words}"
    remedy = "let it be the bare column of a table, without a cast or AT TIME ZONE, that leads an index there" + _with(source)
    return Finding(text, remedy, warning=True)
