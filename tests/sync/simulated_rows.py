"""How PostgreSQL would send, hash and reject the rows of a simulated ledger."""

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime, time

from exporter.columns import ENTRIES, Kind
from exporter.sources.statements import BEGINNING, LATEST
from tests.sync.simulated import Row

LAST = datetime.combine(LATEST, time.min, UTC)


def number(value: object) -> int:
    """A hash of 48 bits with a sign, as PostgreSQL sends it."""
    return int.from_bytes(hashlib.blake2b(repr(value).encode(), digest_size=6).digest(), "big", signed=True)


def key(row: Row) -> int:
    """The id, or a hash of it."""
    return row.id if isinstance(row.id, int) else number(row.id)


def checksum(row: Row, ledger: str) -> int:
    """A hash of all columns that are compared."""
    more = (row.occurred_at, row.id) if ENTRIES[ledger].ordered else ()
    return number((more, row.values(ledger)))


def rejection_reason(row: Row, ledger: str) -> str | None:
    """Why a row is rejected."""
    if ENTRIES[ledger].required and not row.task_id:
        return "missing_task_id"
    amounts = [row.values(ledger)[name] for name in ENTRIES[ledger].names(Kind.AMOUNT)]
    return "not_finite" if any(each is not None and not each.is_finite() for each in amounts) else None


def occurred(row: Row) -> datetime | None:
    """When a row occurred, where a day can hold it."""
    return row.occurred_at if row.occurred_at and BEGINNING <= row.occurred_at < LAST else None


def line(row: Row, ledger: str) -> str:
    """A row in the order of :data:`exporter.rollups.staging.COLUMNS`."""
    at, reason = occurred(row), rejection_reason(row, ledger)
    name = row.id if isinstance(row.id, str) and ENTRIES[ledger].ordered else None
    sent = at and at.strftime("%Y-%m-%d %H:%M:%S.%f")
    fields = (sent, reason, checksum(row, ledger), key(row), name, *_values(row, ledger, reason))
    return ",".join(map(_field, fields)) + "\n"


def _values(row: Row, ledger: str, reason: str | None) -> Iterator[object]:
    for column in ENTRIES[ledger].columns:
        sent = reason is None or column.kind in (Kind.ID, Kind.TEXT)
        yield getattr(row, column.name) if sent else None


def _field(value: object) -> str:
    if value is None:
        return ""
    return '"' + value.replace('"', '""') + '"' if isinstance(value, str) else str(value)
