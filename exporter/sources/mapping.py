"""How each column of a ledger is read from its source: one SQL expression per column, chosen by the source's type.

Everything that a statement says of a table goes through here, so that identifiers are always quoted and no value of a
ledger can break a sum: amounts are finite numerics within bounds that never overflow a rollup, ids have a bounded length.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time

from psycopg import sql

from exporter.config import Ledger
from exporter.sources.catalog import Table
from exporter.sources.hashes import BYTEWISE, FLOATING, INTEGER, hashed, hashed_or_zero
from exporter.sources.lengths import TEXT_LENGTH
from exporter.sources.queries import text_of

NUMBER = INTEGER | FLOATING | {"numeric"}
TIME = frozenset({"timestamp with time zone", "timestamp without time zone"})

AMOUNTS = ("allocated_usd", "spent_usd", "budget_usd", "cost_usd", "impact_score")
COUNTS = ("input_tokens", "output_tokens", "total_tokens", "calls")
LIMITS = {**dict.fromkeys(AMOUNTS, "1e12"), **dict.fromkeys(COUNTS, "9e18")}
"""A row with an amount from here on is rejected: nobody meant it, and a sum of such could overflow a rollup."""

TYPES: Mapping[str, frozenset[str]] = {
    **dict.fromkeys(("day", "starts_on", "ends_on"), frozenset({"date"})),
    "occurred_at": TIME,
    "updated_at": TIME,
    **dict.fromkeys(LIMITS, NUMBER),
    "impact_score": NUMBER | {"boolean"},
}
"""Ledger columns that need a type; all others are read as text, whatever they are."""


Statement = Callable[["Source"], sql.Composed]
"""Composes a statement on a ledger."""


@dataclass(frozen=True, slots=True)
class Source:
    """A ledger together with what is known of its table."""

    ledger: Ledger
    table: Table
    _composed: dict[Statement, sql.SQL] = field(default_factory=dict, repr=False, compare=False)

    def composed(self, statement: Statement) -> sql.SQL:
        """A statement on this ledger, which is composed once."""
        if statement not in self._composed:
            self._composed[statement] = sql.SQL(statement(self).as_string())
        return self._composed[statement]

    @property
    def name(self) -> sql.Composable:
        """The table, quoted, or the query in its place, as an item of FROM."""
        if self.ledger.query:
            # On a line of its own, for it may end in a comment.
            return sql.SQL("({}\n) AS ledger").format(text_of(self.ledger))
        return _identifier(*self.ledger.table)

    @property
    def condition(self) -> sql.Composable:
        """The operator's filter; TRUE without one."""
        if self.ledger.filter is None:
            return sql.SQL("TRUE")
        # On a line of its own, for it may end in a comment.
        return sql.SQL("({}\n)").format(sql.SQL(self.ledger.filter.replace("%", "%%")))

    def has(self, column: str) -> bool:
        """Whether the source maps this ledger column."""
        return column in self.ledger.columns

    def type(self, column: str) -> str:
        """The source type of a mapped ledger column."""
        return self.table.columns[self.ledger.columns[column]].type

    def raw(self, column: str) -> sql.Composable:
        """The source column itself, as an index knows it."""
        return _identifier(self.ledger.columns[column])

    @property
    def time(self) -> sql.Composable:
        """The source column that tells when an entry occurred."""
        return self.raw(self.ledger.timed_by)

    def midnight(self, column: str, day: date) -> sql.Composed:
        """The beginning of a day, in the column's own type: a comparison with another one depends on the setting TimeZone.

        postgres_fdw ships no such comparison, and reads all rows instead.
        """
        instant = datetime.combine(day, time.min, UTC).isoformat()
        return sql.SQL("{}::{}").format(instant, sql.SQL(self.type(column)))

    def value(self, column: str, instant: datetime) -> datetime:
        """An instant as a parameter to compare with the column, of the column's own type."""
        return instant.astimezone(UTC).replace(tzinfo=None) if self.type(column) == "timestamp without time zone" else instant

    @property
    def numbered(self) -> bool:
        """Whether entries have a running number."""
        return self.has("entry_id") and self.type("entry_id") in INTEGER

    @property
    def key(self) -> sql.Composable:
        """What tells an entry from others in 64 bits: its id, or a hash of it."""
        if self.numbered:
            return sql.SQL("{}::bigint").format(self.raw("entry_id"))
        return hashed(self.raw("entry_id"), self._hashed_as("entry_id"), 0)

    @property
    def known(self) -> sql.Composable:
        """That an entry is not above the high watermark, the parameter ``high``; an entry without an id is not either."""
        if not self.numbered:
            return sql.SQL("TRUE")
        # The first is what postgres_fdw ships, the second what no index of a table is used for.
        form = "({0} <= %(high)s OR {0} IS NULL)" if self.table.remote else "({0} <= %(high)s) IS NOT FALSE"
        return sql.SQL(form).format(self.raw("entry_id"))

    def text(self, column: str) -> sql.Composable:
        """The column as text, NULL where it is not mapped. Texts are equal where all bytes are, whatever their collation."""
        return sql.SQL('{}::text COLLATE "C"').format(self.raw(column)) if self.has(column) else sql.SQL("NULL::text")

    def beginning(self, column: str) -> sql.Composed:
        """The column as text, of which an absurdly long one has its beginning only."""
        return sql.SQL("left({}, {})").format(self.text(column), TEXT_LENGTH)

    def number(self, column: str) -> sql.Composable:
        """The column as an exact number, of a boolean 1 or 0; NULL where it is not mapped."""
        if not self.has(column):
            return sql.SQL("NULL::numeric")
        if self.type(column) == "boolean":
            return sql.SQL("{}::int").format(self.raw(column))
        # By way of text, for a cast to numeric keeps fewer digits than the column holds: 6 of a real.
        return sql.SQL("{}::text::numeric").format(self.raw(column)) if self.type(column) in FLOATING else self.raw(column)

    def whole(self, column: str) -> sql.Composable:
        """The column as a whole number, NULL where it is not mapped."""
        if self.has(column) and self.type(column) in INTEGER:
            return self.raw(column)
        return sql.SQL("round({})").format(self.number(column))

    def checksum(self, columns: Iterable[str]) -> sql.Composed:
        """48 bits of a hash of those of the columns that are mapped; sums of it stay far from any limit."""
        # To hash a row as a whole takes PostgreSQL twice as long.
        hashes = [self._hash(column, seed) for seed, column in enumerate(filter(self.has, columns))]
        return sql.SQL("({}) >> 16").format(sql.SQL(" # ").join(hashes))

    def _hash(self, column: str, seed: int) -> sql.Composed:
        return hashed_or_zero(self.raw(column), self._hashed_as(column), seed, remote=self.table.remote)

    def _hashed_as(self, column: str) -> str:
        kind = self.type(column)
        if column in TYPES or kind in INTEGER or kind == "uuid":
            return kind
        return BYTEWISE if self.table.columns[self.ledger.columns[column]].bytewise else "text"

    def within_bounds(self, column: str, term: sql.Composable) -> sql.Composable:
        """The term, NULL where the column holds no finite number within bounds."""
        if not self.has(column) or self._bounded(column):
            return term
        limit = sql.SQL(LIMITS[column])
        return sql.SQL("CASE WHEN {column} < {limit} AND {column} > -{limit} THEN {term} END").format(
            column=self.raw(column), limit=limit, term=term
        )

    def rejection_reason(self, columns: tuple[str, ...], *, required: str | None = None) -> sql.Composable:
        """Why a row is rejected, or NULL: a column holds no finite number within bounds, or the required id is missing."""
        cases = [self._case(column) for column in columns if self.has(column) and not self._bounded(column)]
        if required:
            empty = sql.SQL("WHEN nullif({}, '') IS NULL THEN {}").format(self.text(required), f"missing_{required}")
            cases.insert(0, empty)
        return sql.SQL("CASE {} END").format(sql.SQL(" ").join(cases)) if cases else sql.SQL("NULL::text")

    def _bounded(self, column: str) -> bool:
        """Whether the type itself keeps the column within bounds."""
        return self.type(column) == "boolean" or (column in COUNTS and self.type(column) in INTEGER)

    def _case(self, column: str) -> sql.Composed:
        limit = sql.SQL(LIMITS[column])
        return sql.SQL(
            "WHEN {column} >= {limit} OR {column} <= -{limit}"
            " THEN CASE WHEN {column}::numeric IN ('NaN', 'Infinity', '-Infinity') THEN 'not_finite' ELSE 'out_of_range' END"
        ).format(column=self.raw(column), limit=limit)


def _identifier(*parts: str) -> sql.Identifier:
    """A quoted name, for a statement with parameters: there, psycopg takes %% for %."""
    return sql.Identifier(*(part.replace("%", "%%") for part in parts))
