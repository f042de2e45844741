"""Whether a table can serve as a ledger: what is missing or of the wrong type, and how to fix it."""

import re
from collections.abc import Iterable, Iterator

from exporter.config import LEDGERS, Ledger
from exporter.sources.catalog import Column, Table
from exporter.sources.findings import Finding, LedgerError, origin, quoted
from exporter.sources.hashes import INTEGER
from exporter.sources.mapping import TYPES

FRIENDLY = dict.fromkeys(("day", "starts_on", "ends_on"), "date") | {
    "occurred_at": "timestamp with time zone",
    "updated_at": "timestamp with time zone",
}
INDEXABLE = {"r": "CREATE INDEX CONCURRENTLY", "m": "CREATE INDEX CONCURRENTLY", "p": "CREATE INDEX"}
"""Kinds of relations that can have indexes, and how to add one."""
KEYS = ("day", "occurred_at", "entry_id", "updated_at")
"""Ledger columns that rows are looked up by."""
_NAME = re.compile(r"\w[\w$]*")
"""What nobody means as an expression."""


def require(ledger: Ledger, table: Table) -> None:
    """Raise LedgerError with the first thing that is wrong."""
    for finding in errors(ledger, table):
        raise LedgerError(finding)


def errors(ledger: Ledger, table: Table) -> Iterator[Finding]:
    """Why the table cannot be read as this ledger."""
    found = {column: table.columns.get(source) for column, source in ledger.columns.items()}
    hidden = [ledger.columns[column] for column, there in found.items() if there and not there.readable]
    if hidden:
        yield Finding(f"role {table.role} may not read {_listed(ledger, hidden, table)}", _grant(ledger, table, hidden))
    for column, source in ledger.columns.items():
        there = found[column]
        if there is None:
            yield _missing(ledger, column, source, table)
        elif column in TYPES and there.type not in TYPES[column]:
            yield _mistyped(ledger, column, source, there)


def warnings(ledger: Ledger, table: Table) -> Iterator[Finding]:
    """What makes reading the ledger slow, or changes in it noticed late. For a ledger that has no errors."""
    if table.filtered:
        policy = f"CREATE POLICY … ON {quoted(ledger.table) or '…'} FOR SELECT TO {quoted((table.role,))} USING (true)"
        yield Finding(f"row level security may hide rows of {origin(ledger)} from role {table.role}", policy, warning=True)
    if table.kind in INDEXABLE:
        yield from _unindexed(ledger, table)
    if ledger.query:
        yield from _unread(ledger, table)
    identity = ledger.columns.get("entry_id")
    if identity and _ranged("entry_id", table.columns[identity]) and table.remote:
        text = f"rows of {origin(ledger)} are on another server, so one that is committed late may have an id that was passed"
        remedy = "none is needed if rows come within refresh.late of their time; else raise refresh.late, or map updated_at"
        yield Finding(text, remedy, warning=True)
    if identity and "updated_at" not in ledger.columns and not _ranged("entry_id", table.columns[identity]):
        yield Finding(
            f"{_where(ledger, identity)} is not a whole number, and updated_at is not mapped:"
            " only the audit finds corrections of old rows, and rows that come later than refresh.late",
            "map updated_at if there is such a column with an index, or raise refresh.late",
            warning=True,
        )


def sparse(period: str) -> Finding:
    """For allocations of which no quest has two in one such period."""
    text = f"allocations exist on one day of each {period} only; a row is what may be spent on one day"
    remedy = f"map ledgers.budgets in its place, whose rows say from which day to which a sum may be spent: here, a {period}"
    return Finding(text, remedy, warning=True)


def repeated(ledger: Ledger, entries: int, without: int) -> Finding:
    """For a ledger of whose newest hour some entries have the id of another one, or none."""
    text = f"of the newest hour of {origin(ledger)}, {entries} entries have the id of another one, and {without} have no id"
    return Finding(text, f"set ledgers.{ledger.name}.columns.entry_id to what is unique; a join may repeat rows", warning=True)


def _unindexed(ledger: Ledger, table: Table) -> Iterator[Finding]:
    """Columns without an index. Of a view nothing can be said: its ranges may be served by the tables below."""
    for column, source in ledger.columns.items():
        if column in KEYS and _ranged(column, table.columns[source]) and not table.columns[source].indexed:
            text = f"{_where(ledger, source)} leads no index, so each refresh reads the whole table"
            create = f"{INDEXABLE[table.kind]} ON {quoted(ledger.table)} ({quoted((source,))})"
            yield Finding(text, create, warning=True)


def _unread(ledger: Ledger, table: Table) -> Iterator[Finding]:
    """Output columns of a query that bear the name of a ledger column, and are not read."""
    definition = LEDGERS[ledger.name]
    wanted = set(definition.columns) - ledger.columns.keys() - definition.replaced(ledger.columns)
    for name in sorted(wanted & table.columns.keys() - set(ledger.columns.values())):
        text = f"{_where(ledger, name)} is not mapped, so it is not read"
        yield Finding(text, f"add {name}: {name} to ledgers.{ledger.name}.columns, or leave it out of the query", warning=True)


def _missing(ledger: Ledger, column: str, source: str, table: Table) -> Finding:
    key = f"ledgers.{ledger.name}.columns.{column}"
    absent = ", or to null to do without it" if column in LEDGERS[ledger.name].optional else ""
    same = [name for name in table.columns if name.casefold() == source.casefold()]
    similar = f", perhaps {same[0]}" if same else ""
    remedy = f"set {key} to the column that holds it, one of {', '.join(table.columns)}{similar}{absent}"
    if _NAME.fullmatch(source):
        return Finding(f"{_where(ledger, source)} does not exist", remedy)
    text = f"{_where(ledger, source)} does not exist, and {key} takes the name of a column, not an expression"
    query = f"ledgers.{ledger.name}.query: SELECT …, {source} AS {quoted((column,))} FROM {quoted(ledger.table) or '…'}"
    return Finding(text, f"{remedy}; an expression belongs in a query, in the place of the table: {query}")


def _mistyped(ledger: Ledger, column: str, source: str, found: Column) -> Finding:
    needed = FRIENDLY.get(column, "a number")
    if column == "occurred_at" and found.type == "date" and "day" in LEDGERS[ledger.name].instead:
        remedy = f"map it as ledgers.{ledger.name}.columns.day, in the place of occurred_at"
        return Finding(f"{_where(ledger, source)} is of type date, which tells no time", remedy)
    remedy = f"it must be {needed}: change its type, or cast it in ledgers.{ledger.name}.query"
    return Finding(f"{_where(ledger, source)} is of type {found.type}, which cannot hold {column}", remedy)


def _listed(ledger: Ledger, columns: list[str], table: Table) -> str:
    if not any(column.readable for column in table.columns.values()):
        return origin(ledger)
    return f"{_names(columns)} of {origin(ledger)}"


def _grant(ledger: Ledger, table: Table, columns: list[str]) -> str:
    return f"GRANT SELECT ({_names(columns)}) ON {quoted(ledger.table)} TO {quoted((table.role,))}"


def _names(columns: Iterable[str]) -> str:
    """Each column once: two columns of a ledger may come from the same one."""
    return ", ".join(quoted((column,)) for column in dict.fromkeys(columns))


def _where(ledger: Ledger, source: str) -> str:
    return f"column {quoted((source,))} of {origin(ledger)}"


def _ranged(column: str, found: Column) -> bool:
    """Whether rows are looked up by ranges of the column: by ids only where they are whole numbers."""
    return column != "entry_id" or found.type in INTEGER
