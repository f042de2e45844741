"""Whether a table can serve as a ledger: what is missing or of the wrong type, and how to mend it."""

from collections.abc import Iterator
from dataclasses import dataclass

from psycopg import sql

from exporter.config import Ledger
from exporter.ledgers.catalog import Table
from exporter.ledgers.mapping import INTEGER, TYPES

FRIENDLY = {"day": "date", "occurred_at": "timestamp with time zone", "updated_at": "timestamp with time zone"}


class LedgerError(Exception):
    """A table cannot serve as a ledger; the message is one line for the user."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong with a ledger's table. A warning only makes it slow, or late in noticing changes."""

    text: str
    remedy: str
    warning: bool = False

    def __str__(self) -> str:
        """One line: what is wrong, and how to mend it."""
        return f"{self.text}; {self.remedy}"


def errors(ledger: Ledger, table: Table) -> Iterator[Finding]:
    """Why the table cannot be read as this ledger."""
    name = quoted(ledger)
    for column, source in ledger.columns.items():
        found = table.columns.get(source)
        if found is None:
            yield Finding(
                f"table {name} has no column {source}",
                f"set ledgers.{ledger.name}.columns.{column} to the column that holds it (there are: {', '.join(table.columns)})",
            )
            continue
        if not found.readable:
            yield Finding(
                f"no right to read column {source} of table {name}", f"grant it: GRANT SELECT ON {name} TO <this role>"
            )
        if column in TYPES and found.type not in TYPES[column]:
            yield Finding(
                f"column {source} of table {name} is {found.type}, which cannot hold {column}",
                f"it must be {FRIENDLY.get(column, 'numeric')}: ALTER its type, or map a view that casts it",
            )


def warnings(ledger: Ledger, table: Table) -> Iterator[Finding]:
    """What makes reading the ledger slow, or changes in it noticed late."""
    for column in ("day", "occurred_at", "entry_id", "updated_at"):
        source = ledger.columns.get(column)
        counted = column != "entry_id" or (source in table.columns and table.columns[source].type in INTEGER)
        if source and counted and source not in table.indexed:
            yield Finding(
                f"no index begins with column {source} of table {quoted(ledger)}, so every refresh reads the whole table",
                f"CREATE INDEX CONCURRENTLY ON {quoted(ledger)} ({sql.Identifier(source).as_string()})",
                warning=True,
            )
        elif source and not counted and "updated_at" not in ledger.columns:
            yield Finding(
                f"column {source} of table {quoted(ledger)} is no running number and there is no updated_at",
                "rows that come late are only found by the audit; map updated_at if the table has such a column",
                warning=True,
            )


def require(ledger: Ledger, table: Table) -> None:
    """Raise LedgerError with the first thing that is wrong."""
    for finding in errors(ledger, table):
        raise LedgerError(str(finding))


def quoted(ledger: Ledger) -> str:
    """The table's name as SQL writes it, with quotes only where they are needed."""
    return ".".join(part if part.isidentifier() and part == part.lower() else f'"{part}"' for part in ledger.table)
