"""What the next poll must find of a commit; the rest is found by an audit round."""

from datetime import datetime, timedelta

from exporter.sync.progress import Progress
from tests.sync.simulated import Id, Row, Transaction

LOOKBACK = timedelta(minutes=13)
"""A little less than the configured one, for it begins with a full minute, and updates are told apart by 15 seconds."""
LATE = timedelta(hours=11)


def found_at_once(progress: Progress | None, transaction: Transaction, before: Row | None, after: Row | None) -> bool:
    """Whether the next poll must find that a row has become another; None is no row."""
    ledger = transaction.ledger
    rows = [row for row in (before, after) if row]
    if progress is None or not rows:
        return True
    since = progress.last_success - LOOKBACK
    if all(_since(row.occurred_at, since) for row in rows) or _has_new_id(rows[0].id, progress, before, after):
        return True
    if before is None and after and not ledger.numbered and _since(after.occurred_at, progress.last_success - LATE):
        return True
    if not (after and ledger.tracked and after.updated_at == transaction.started and transaction.started >= since):
        return False
    if before and before.updated_at == after.updated_at:
        return False
    # A row of costs without a number, which was moved, is not found where it was.
    return ledger.numbered or ledger.name == "impacts" or before is None


def _has_new_id(number: Id, progress: Progress, before: Row | None, after: Row | None) -> bool:
    """Whether the id says that a row is new, or that it was there and is gone."""
    if not isinstance(number, int):
        return False
    return before is None or number > (progress.high or 0) or (after is None and number > (progress.low or 0))


def _since(at: datetime | None, since: datetime) -> bool:
    """Whether a row is in the lookback, or its day is still to come, or it has none, which is counted in every poll."""
    return at is None or at.year == 1 or at >= since
