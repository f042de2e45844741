"""A ledger of timed entries, as one snapshot of its database shows it: what the sync engine asks."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import NamedTuple, Protocol

from exporter.sources.horizon import Horizon


class Sums(NamedTuple):
    """How many entries there are, and the sum of their checksums, or of their keys."""

    entries: int
    total: int


class Version(NamedTuple):
    """An entry as it is now: its id, its key in 64 bits, when it occurred (None: on no day), and its checksum."""

    id: int | str
    key: int
    occurred_at: datetime | None
    checksum: int


class Position(NamedTuple):
    """The greatest id, the latest ``updated_at`` up to now, and when the oldest entry occurred.

    None where there is none, or the ledger has no such column. ``oldest`` leaves the filter out. ``untimed`` is how many
    entries no day can hold, by reason.
    """

    newest_id: int | None
    updated_at: datetime | None
    oldest: datetime | None
    untimed: dict[str, int]


@dataclass(frozen=True, slots=True)
class Span:
    """A half-open range of instants."""

    start: datetime
    end: datetime


class Partition(NamedTuple):
    """A partition: what changes when its rows are written again, and of what time they are (None: of any)."""

    file: int
    span: Span | None


class EntryReader(Protocol):
    """What a source must answer. Whatever is asked is bounded: in rows, bytes and time.

    All raise:
        SlowError: it took longer than ``refresh.statement_timeout``.
        SourceError, TimeoutError: it cannot be read.
    """

    @property
    def numbered(self) -> bool:
        """Whether ids are whole numbers, which grow."""

    @property
    def tracked(self) -> bool:
        """Whether an entry says when it was updated."""

    @property
    def partitions_checksum(self) -> str:
        """A checksum of which partitions there are; empty where there are none."""

    async def partitions(self) -> dict[int, Partition]:
        """The partitions of all levels, by oid."""

    async def horizon(self) -> Horizon:
        """Which transactions the snapshot still saw running."""

    async def position(self) -> Position:
        """What is newest."""

    async def id_bins(self, low: int, high: int, shift: int) -> dict[int, Sums]:
        """By ``id >> shift``, how many ids lie above ``low`` and up to ``high``, and their sum."""

    async def ids(self, low: int, high: int, shift: int, bins: Sequence[int]) -> list[int]:
        """The ids in some of these bins."""

    async def update_bins(self, since: datetime, width: int) -> dict[int, Sums] | None:
        """By bins of so many seconds, the entries updated since an instant; None where these are too many to be compared."""

    async def versions(self, span: Span, width: int, bins: Sequence[int], most: int) -> list[Version]:
        """The entries updated within a span, in some of these bins; at most one more than ``most``."""

    async def checksums(self, spans: Sequence[Span], high: int | None, *, of_keys: bool = False) -> list[Sums]:
        """Of each span, the entries up to the high watermark, and the sum of their checksums or keys."""

    async def first_entry(self, span: Span) -> datetime | None:
        """When the first entry of a span occurred."""

    async def nth_entry(self, span: Span, rows: int) -> datetime | None:
        """The time of the entry that has ``rows`` entries of the span before it; None if there are fewer."""

    async def fetch(self, span: Span, high: int | None, file: Path, part: tuple[int, int] = (0, 1)) -> int:
        """Write the entries of a span, up to the high watermark, to a CSV file; returns how many rows there are.

        ``part`` is the number of the part to read, from 0, and the number of parts. Raises:
            TooLargeError: there are more rows or bytes than a batch may have.
        """

    async def nth_id(self, low: int, rows: int) -> int | None:
        """The id above ``low`` below which there are so many others; None where there are fewer."""

    async def fetch_above(self, low: int, high: int, file: Path) -> int:
        """Write the entries with ids above ``low`` and up to ``high`` to a CSV file; returns how many there are.

        Raises:
            TooLargeError: there are more rows or bytes than a batch may have.
        """

    async def fetch_ids(self, ids: Sequence[int | str], file: Path) -> int:
        """Write the entries with these ids to a CSV file; returns how many there are."""
