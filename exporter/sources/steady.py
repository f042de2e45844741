"""What a query or a filter must not call: what gives other rows each time it is asked."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from psycopg import sql

from exporter.config import Ledger
from exporter.sources.explain import Plan
from exporter.sources.findings import Finding, LedgerError

VOLATILE = sql.SQL("""
ARRAY(SELECT DISTINCT proname::text FROM unnest(%(owners)s::text[], %(called)s::text[]) AS call (owner, name)
        JOIN pg_proc AS p ON p.proname = call.name JOIN pg_namespace AS n ON n.oid = p.pronamespace
       WHERE provolatile = 'v' AND (n.nspname = call.owner OR call.owner = '' AND pg_function_is_visible(p.oid))
       ORDER BY 1)
""")
"""The names of those of the called functions that are volatile."""

_CLOCK = re.compile(r"\b(?:CURRENT_(?:DATE|TIME|TIMESTAMP)|LOCALTIME(?:STAMP)?)\b")
_CLOCK_FUNCTIONS = frozenset({"now", "transaction_timestamp", "statement_timestamp"})
_TEXT = re.compile(r"'(?:[^']|'')*'")
_NAME = r'"(?:[^"]|"")+"|\w+'
_NO_CALL = re.compile(r'"(?:[^"]|"")*"(?!\s*[(.])')
"""A name in quotes that does not name a function or a schema."""
_CALL = re.compile(rf"(?:({_NAME})\.)?({_NAME})\(")
_MOMENT = r"'\s*(?:now|today|tomorrow|yesterday)\s*'"
_MOMENTS = re.compile(rf"{_MOMENT}\s*::\s*(?:date|time)|\b(?:date|time|timestamp|timestamptz)\s+{_MOMENT}", re.IGNORECASE)
"""Texts that PostgreSQL reads as a time, once, when it plans the statement."""


@dataclass(frozen=True)
class Planned:
    """A query or a filter, with the nodes of its plan."""

    ledger: Ledger
    key: Literal["query", "filter"]
    nodes: tuple[Plan, ...]

    @cached_property
    def calls(self) -> dict[str, list[str]]:
        """The parameters of ``VOLATILE``: the schemas of what is called, as far as the plan has them, and the names."""
        found = sorted({(_unquoted(owner), _unquoted(name)) for text in self._texts for owner, name in _CALL.findall(text)})
        return {"owners": [owner for owner, _ in found], "called": [name for _, name in found]}

    def require_steady(self, volatile: list[str]) -> None:
        """Refuse what would make the ledger seem to change at every refresh; raises LedgerError."""
        where = f"ledgers.{self.ledger.name}.{self.key}"
        sampled = ["TABLESAMPLE"] if any(node["Node Type"] == "Sample Scan" for node in self.nodes) else []
        changing = [f"{name}()" for name in volatile] + sampled
        if changing:
            remedy = f"leave it out: a {self.key} must give the same rows whenever it is asked"
            raise LedgerError(Finding(f"{where} calls {changing[0]}, which changes by itself", remedy))
        clock = self._clock
        if clock and self.ledger.name != "budgets":
            remedy = (
                f"leave it out, and let report.windows bound the time: only the {self.key} of budgets may ask what time it is"
            )
            raise LedgerError(Finding(f"{where} depends on the time, by {clock[0]}", remedy))

    @property
    def _clock(self) -> list[str]:
        """The expressions that ask for the time."""
        words = sorted({word for text in self._texts for word in _CLOCK.findall(text)})
        written = (self.ledger.query if self.key == "query" else self.ledger.filter) or ""
        return sorted(_CLOCK_FUNCTIONS.intersection(self.calls["called"])) + words + _MOMENTS.findall(written)

    @cached_property
    def _texts(self) -> list[str]:
        """The expressions of the plan, without texts, and without names in quotes that call nothing."""
        return [_NO_CALL.sub('""', _TEXT.sub("''", text)) for text in _values(self.nodes)]


def _values(nodes: Iterable[Plan]) -> Iterator[str]:
    for node in nodes:
        for key, value in node.items():
            if key != "Plans":
                yield from map(str, value if isinstance(value, list) else [value])


def _unquoted(name: str) -> str:
    return name[1:-1].replace('""', '"') if name.startswith('"') else name
