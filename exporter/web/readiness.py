"""The words of ``/-/ready``: whether there are numbers to be served, and then, line by line, what is missing of them."""

from collections.abc import Iterator
from datetime import UTC

from exporter.snapshot import LedgerStatus, Snapshot

STOPPING = "not ready: the exporter is shutting down"
WAITING = "not ready: there are no numbers yet; the log says how far a first build is, or why a ledger cannot be read"
PARTIAL = "not ready: not every ledger was read yet; the log says how far a first build is"
READY = "ready"


def words(snapshot: Snapshot | None, *, ready: bool, stopping: bool) -> str:
    """What is true now. ``ready`` is the rule's verdict; ``snapshot`` is what is served, None before there is any."""
    if stopping:
        return f"{STOPPING}\n"
    if snapshot is None:
        return f"{WAITING}\n"
    return "".join(f"{line}\n" for line in (READY if ready else PARTIAL, *_missing(snapshot)))


def _missing(snapshot: Snapshot) -> Iterator[str]:
    yield from (f"ledger {ledger.name}: {_state(ledger)}" for ledger in snapshot.ledgers if not ledger.up)
    yield from (f"section {name}: it failed, and the log says why" for name in snapshot.failed)


def _state(ledger: LedgerStatus) -> str:
    if ledger.last_success is None:
        return "there are no numbers of it yet"
    return f"it cannot be read, and was last read at {ledger.last_success.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
