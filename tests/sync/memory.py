"""A ledger in memory, with limits on what one statement may send and how long it may take."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import NamedTuple, cast

from exporter.sources.errors import SlowError, TooLargeError
from exporter.sources.reader import EntryReader, Span, Sums
from exporter.sources.transfer import Limit


class Entry(NamedTuple):
    occurred_at: datetime
    id: int
    checksum: int = 0


@dataclass
class Memory:
    """``rows`` is what one statement may send, ``most_spans`` what it may compare; ``slow`` says what takes too long."""

    entries: Sequence[Entry]
    rows: int = 1_000_000
    most_spans: int = 1_000_000
    slow: Callable[[Span, list[Entry]], bool] = lambda _span, _entries: False
    asked: list[list[Span]] = field(default_factory=list)
    """The spans of each statement that compared some."""
    fetched: list[Span] = field(default_factory=list)
    """The spans of each statement that sent entries."""

    @property
    def reader(self) -> EntryReader:
        """As the sync engine has it; what no test asks for is not there."""
        return cast("EntryReader", self)

    async def checksums(self, spans: Sequence[Span], high: int | None, *, of_keys: bool = False) -> list[Sums]:
        self.asked.append(list(spans))
        if len(spans) > self.most_spans:
            raise SlowError
        found = [self._within(span, high) for span in spans]
        return [Sums(len(each), sum(entry.id if of_keys else entry.checksum for entry in each)) for each in found]

    async def first_entry(self, span: Span) -> datetime | None:
        return min((entry.occurred_at for entry in self.entries if _in(span, entry)), default=None)

    async def nth_entry(self, span: Span, rows: int) -> datetime | None:
        found = sorted(entry.occurred_at for entry in self.entries if _in(span, entry))
        return found[rows] if rows < len(found) else None

    async def fetch(self, span: Span, high: int | None, file: Path, part: tuple[int, int] = (0, 1)) -> int:
        number, slices = part
        self.fetched.append(span)
        return self._write(file, [entry for entry in self._within(span, high) if entry.id % slices == number])

    async def nth_id(self, low: int, rows: int) -> int | None:
        found = sorted(entry.id for entry in self.entries if entry.id > low)
        return found[rows] if rows < len(found) else None

    async def fetch_above(self, low: int, high: int, file: Path) -> int:
        return self._write(file, [entry for entry in self.entries if low < entry.id <= high])

    async def fetch_ids(self, ids: Sequence[int | str], file: Path) -> int:
        return self._write(file, [entry for entry in self.entries if entry.id in ids])

    def _within(self, span: Span, high: int | None) -> list[Entry]:
        found = [entry for entry in self.entries if _in(span, entry) and (high is None or entry.id <= high)]
        if self.slow(span, found):
            raise SlowError
        return found

    def _write(self, file: Path, entries: list[Entry]) -> int:
        if len(entries) > self.rows:
            raise TooLargeError(Limit(self.rows, 0))
        file.write_text("".join(f"{entry.id}\n" for entry in entries))
        return len(entries)


def _in(span: Span, entry: Entry) -> bool:
    return span.start <= entry.occurred_at < span.end
