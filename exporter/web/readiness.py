"""The text of ``/-/ready``: whether there is data to serve, and one line for each ledger or section that is missing."""

from collections.abc import Iterator
from datetime import UTC

from exporter.snapshot import LedgerStatus, Snapshot

STOPPING = "not ready: the exporter is shutting down"
WAITING = "not ready: there is no data yet; the log shows the progress of the first build, or why a ledger cannot be read"
PARTIAL = "not ready: not every ledger has been read yet; the log shows the progress of the first build"
READY = "ready"


def words(snapshot: Snapshot | None, *, ready: bool, stopping: bool) -> str:
    """The text. ``ready``: whether the exporter counts as ready; ``snapshot``: what it serves, None before the first one."""
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
        return "it has no data yet"
    return f"it cannot be read, and was last read at {ledger.last_success.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
