"""A ledger of timed entries in memory, with transactions as PostgreSQL has them: ids are drawn before commit."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from exporter.columns import ENTRIES
from exporter.sources.horizon import Horizon
from exporter.sources.reader import Partition, Span

Id = int | str
INFINITY = datetime.max.replace(tzinfo=UTC)
"""Stands for the time ``infinity``."""
MINUS_INFINITY = datetime.min.replace(tzinfo=UTC)
ROWS_PER_SEQUENCE_RECORD = 32
"""How far a sequence may jump when the server crashes."""


@dataclass(frozen=True, slots=True)
class Row:
    """An entry of costs or impacts; each ledger looks at its own columns."""

    id: Id
    occurred_at: datetime | None
    updated_at: datetime | None = None
    task_id: str | None = None
    quest_id: str | None = None
    provider: str | None = "codex"
    model: str | None = None
    cost_usd: Decimal | None = Decimal(1)
    input_tokens: int | None = 10
    output_tokens: int | None = None
    calls: int | None = None
    layer: str | None = None
    task: str | None = None
    total_tokens: int | None = 2000
    impact_score: Decimal | None = None

    def values(self, ledger: str) -> dict[str, Any]:
        """The columns of a ledger."""
        return {column.name: getattr(self, column.name) for column in ENTRIES[ledger].columns}


Rows = dict[Id, Row]


@dataclass(eq=False)
class Transaction:
    """Its writes are seen by nobody else before it commits."""

    ledger: "Ledger"
    xid: int
    started: datetime
    writes: dict[Id, Row | None] = field(default_factory=dict)
    savepoints: list[dict[Id, Row | None]] = field(default_factory=list)

    def insert(self, occurred_at: datetime | None, number: Id | None = None, **values: Any) -> Id:
        """Insert a row with the next id, or with one that was drawn before."""
        number = self.ledger.draw() if number is None else number
        updated_at = self.started if self.ledger.tracked else None
        self.writes[number] = Row(number, occurred_at, **{"updated_at": updated_at} | values)
        return number

    def update(self, number: Id, *, touch: bool, **values: Any) -> None:
        """Change a row. ``touch`` sets ``updated_at`` to the beginning of the transaction, as ``now()`` does."""
        before = self.writes.get(number) or self.ledger.rows[number]
        self.writes[number] = replace(before, **values | ({"updated_at": self.started} if touch else {}))

    def delete(self, number: Id) -> None:
        """Delete a row."""
        self.writes[number] = None

    def savepoint(self) -> None:
        """Begin a subtransaction, which has a number of its own that no snapshot lists."""
        self.savepoints.append(dict(self.writes))
        self.ledger.next_xid += 1

    def rollback_to_savepoint(self) -> None:
        """Undo what was done since; ids that were drawn stay gaps."""
        self.writes = self.savepoints.pop()

    def commit(self) -> None:
        """Show all writes at once."""
        self.ledger.open.remove(self)
        for number, row in self.writes.items():
            self.ledger.write(number, row)

    def rollback(self) -> None:
        """Forget all writes."""
        self.ledger.open.remove(self)


@dataclass(eq=False)
class Ledger:
    """The committed rows of ``costs`` or ``impacts``, and the transactions that are open."""

    name: str
    now: datetime
    numbered: bool = True
    tracked: bool = False
    rows: Rows = field(default_factory=dict)
    open: list[Transaction] = field(default_factory=list)
    sequence: int = 0
    next_xid: int = 700
    partitions: dict[int, Partition] = field(default_factory=dict)
    detached: dict[int, tuple[Partition, Rows]] = field(default_factory=dict)
    """Partitions that hold their rows, but are none of the ledger's."""
    reached: int = 0
    """The greatest number of a row that was ever committed; a sequence never goes back behind it."""

    def begin(self) -> Transaction:
        """A transaction that is running from now on."""
        transaction = Transaction(self, self.next_xid, self.now)
        self.next_xid += 1
        self.open.append(transaction)
        return transaction

    def draw(self) -> Id:
        """The next id."""
        self.sequence += 1
        return self.sequence if self.numbered else f"id-{self.sequence}"

    def crash(self, *, ahead: bool) -> None:
        """Restart the server: all transactions are gone, and the sequence is ahead of the rows, or back at the last of them."""
        self.open.clear()
        self.sequence = self.sequence + ROWS_PER_SEQUENCE_RECORD if ahead else self.reached

    def write(self, number: Id, row: Row | None) -> None:
        """Show a committed row, or that it is gone."""
        if row is None:
            self.rows.pop(number, None)
        else:
            self.rows[number] = row
        self.reached = max(self.reached, int(str(number).removeprefix("id-")))

    def unlocked(self) -> list[Id]:
        """The ids of rows that no open transaction has written."""
        locked = {number for transaction in self.open for number in transaction.writes}
        return [number for number in self.rows if number not in locked]

    def add(self, occurred_at: datetime | None, number: Id | None = None, **values: Any) -> Id:
        """Insert a row and commit it."""
        transaction = self.begin()
        number = transaction.insert(occurred_at, number, **values)
        transaction.commit()
        return number

    def snapshot(self) -> "Snapshot":
        """What a transaction that begins now sees for as long as it lasts."""
        oldest = min((each.xid for each in self.open), default=self.next_xid)
        return Snapshot(self, dict(self.rows), Horizon(oldest, self.next_xid), self.now, dict(self.partitions))

    def detach(self, number: int) -> None:
        """Take a partition away, with its rows."""
        partition = self.partitions.pop(number)
        rows = {each: row for each, row in self.rows.items() if row.occurred_at and _within(row.occurred_at, partition.span)}
        self.rows = {each: row for each, row in self.rows.items() if each not in rows}
        self.detached[number] = partition, rows

    def attach(self, number: int) -> None:
        """Bring a partition back, with its rows."""
        self.partitions[number], rows = self.detached.pop(number)
        self.rows |= rows


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The rows of one moment, and which transactions were running."""

    ledger: Ledger
    rows: Mapping[Id, Row]
    horizon: Horizon
    now: datetime
    partitions: Mapping[int, Partition]


def _within(instant: datetime, span: Span | None) -> bool:
    return span is None or span.start <= instant < span.end


def times_around(now: datetime) -> list[datetime | None]:
    """Times of rows that differ in how they are found: just now, late, old, of days to come, and on no day."""
    ago = [timedelta(seconds=30), timedelta(minutes=7), timedelta(hours=3), timedelta(days=1), timedelta(days=9, minutes=1)]
    ahead = [now + timedelta(minutes=20), now + timedelta(days=1, hours=2), now + timedelta(days=20)]
    return [*(now - each for each in ago), *ahead, None, INFINITY, MINUS_INFINITY]
