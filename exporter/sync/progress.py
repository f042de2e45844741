"""How far the rollups have followed a ledger. It is committed together with the facts, so that both always agree."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime

from pydantic import TypeAdapter

from exporter.rollups import Rollups
from exporter.snapshot import LedgerStatus
from exporter.sync.watermark import Watermark


@dataclass(frozen=True, slots=True)
class Progress:
    """Of one ledger."""

    identity: str
    """Tells whether the rollups still belong to the source: cluster, table, mapping and time zone."""
    last_success: datetime
    """When the ledger was last read, on the exporter's clock."""
    today: date
    """The day it was then. Entries of later days are not counted yet."""
    settled_before: tuple[date, int] = (date.min, 0)
    """Hours before this day and hour are kept in long ranges. Never goes back, whatever the clock does."""
    watermark: Watermark | None = None
    """None where ids are no whole numbers."""
    updated_at: datetime | None = None
    """The latest ``updated_at`` that was seen."""
    oldest: datetime | None = None
    """When the oldest entry occurred."""
    audit_from: datetime | None = None
    """Where the next audit begins; None for the beginning of the ledger."""
    passed_at: datetime | None = None
    """When an entry was last found whose id the low watermark had passed."""
    pending_transactions: int | None = None
    """Transactions below this id may have been open since before the first build, with rows that it could not see."""

    @property
    def low(self) -> int | None:
        """The low watermark."""
        return self.watermark.low if self.watermark else None

    @property
    def high(self) -> int | None:
        """The high watermark."""
        return self.watermark.high if self.watermark else None


@dataclass(frozen=True, slots=True)
class Building:
    """How far a first build has come, committed together with the facts: all entries before ``position`` are in them."""

    progress: Progress
    """What the progress of the ledger will be when it is built."""
    position: datetime


_PROGRESS = TypeAdapter(Progress)
_BUILDING = TypeAdapter(Building)


def of(rollups: Rollups, ledger: str) -> Progress | None:
    """How far a ledger has been followed; None when it was never read whole."""
    state = rollups.state(ledger)
    return _PROGRESS.validate_json(state) if state else None


def building(rollups: Rollups, ledger: str) -> Building | None:
    """How far a first build has come that was broken off; None when there is none."""
    state = rollups.building(ledger)
    return _BUILDING.validate_json(state) if state else None


def dump(state: Progress | Building) -> str:
    """As the rollups keep it."""
    return (_PROGRESS.dump_json(state) if isinstance(state, Progress) else _BUILDING.dump_json(state)).decode()


def statuses(rollups: Rollups, names: Iterable[str], tried: Mapping[str, bool], now: datetime) -> tuple[LedgerStatus, ...]:
    """What a snapshot says of some ledgers. Until it was tried, a ledger that was read before is what it was then."""
    newest = rollups.newest(now)
    found = {name: of(rollups, name) for name in names}
    up = {name: progress is not None for name, progress in found.items()} | dict(tried)
    return tuple(
        LedgerStatus(name, up[name], newest.get(name), *((each.last_success, each.oldest) if each else (None, None)))
        for name, each in found.items()
    )
