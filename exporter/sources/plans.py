"""Whether an index serves the range of time that a refresh reads, as PostgreSQL plans it through views and queries."""

from collections.abc import Iterator
from datetime import datetime

from psycopg import sql

from exporter.calendar import HOUR
from exporter.sources import statements
from exporter.sources.findings import Finding, origin, quoted
from exporter.sources.mapping import Source
from exporter.sources.queries import Plan, nodes
from exporter.sources.transaction import Transaction

MARK = 70_809
"""Microseconds of the hour that is planned, by which it is found in the conditions of the plan."""
_SERVED = ("Index Cond", "Recheck Cond", "TID Cond", "Remote SQL")
_READ = ("Filter", "Join Filter", "One-Time Filter", "Hash Cond")


async def scans(transaction: Transaction, source: Source, newest: datetime) -> Iterator[Finding]:
    """Warnings about parts of a ledger that a refresh reads as a whole, with the words of the plan of its newest hour."""
    start = (newest - HOUR).replace(microsecond=MARK)
    async with transaction.savepoint():
        # Of a small table PostgreSQL prefers to read all, though an index would serve.
        await transaction.rows(sql.SQL("SET LOCAL enable_seqscan = off"))
        explain = sql.SQL("EXPLAIN (VERBOSE, FORMAT JSON) ") + statements.entries(source)
        rows = await transaction.rows(explain, start=start, end=start + HOUR, high=0)
        await transaction.rows(sql.SQL("SET LOCAL enable_seqscan TO DEFAULT"))
    found = dict.fromkeys(_words(node) for node in nodes(rows[0][0][0]["Plan"]) if _unserved(node))
    return (_finding(source, words) for words in found)


def _unserved(node: Plan) -> bool:
    return _bounds(node, _READ) and not _bounds(node, _SERVED)


def _bounds(node: Plan, keys: tuple[str, ...]) -> bool:
    return any(f".{MARK:06d}" in str(node.get(key, "")) for key in keys)


def _words(node: Plan) -> str:
    """As EXPLAIN writes it: ``Seq Scan on public.calls``."""
    scanned = next((below for below in nodes(node) if "Relation Name" in below), None)
    words = str(node["Node Type"])
    return f"{words} on {quoted((scanned['Schema'], scanned['Relation Name']))}" if scanned else words


def _finding(source: Source, words: str) -> Finding:
    column = quoted((source.ledger.columns[source.timed_by],))
    text = f"no index serves a range of {column} of {origin(source.ledger)}, so each refresh reads all of it: {words}"
    remedy = "let it be the bare column of a table, without a cast or AT TIME ZONE, that leads an index there"
    return Finding(text, remedy, warning=True)
