"""What can be wrong with the table of a ledger, in words for the user."""

from dataclasses import dataclass

from exporter.config import Ledger

_WORDS = """
all analyse analyze and any array as asc asymmetric authorization binary both case cast check collate collation column
concurrently constraint create cross current_catalog current_date current_role current_schema current_time current_timestamp
current_user default deferrable desc distinct do else end except false fetch for foreign freeze from full grant group having
ilike in initially inner intersect into is isnull join lateral leading left like limit localtime localtimestamp natural not
notnull null offset on only or order outer overlaps placing primary references returning right select session_user similar
some symmetric system_user table tablesample then to trailing true union unique user using variadic verbose when where window
with
"""
RESERVED = frozenset(_WORDS.split())
"""What PostgreSQL 18 takes for the name of a table or a column only in quotes."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong, and how to fix it. A warning only makes reading slow, or changes noticed late."""

    text: str
    remedy: str
    warning: bool = False

    def __str__(self) -> str:
        """Both in one line."""
        return f"{self.text}; fix: {self.remedy}"


class LedgerError(Exception):
    """A table cannot serve as a ledger."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(str(finding))
        self.finding = finding


def origin(ledger: Ledger) -> str:
    """The table of a ledger as messages name it, or the key of the query in its place."""
    return f"ledgers.{ledger.name}.query" if ledger.query else f"table {quoted(ledger.table)}"


def quoted(parts: tuple[str, ...]) -> str:
    """An identifier as SQL writes it, with quotes only where they are needed."""
    return ".".join(part if _plain(part) else '"' + part.replace('"', '""') + '"' for part in parts)


def _plain(part: str) -> bool:
    return part.isascii() and part.isidentifier() and part == part.lower() and part not in RESERVED
