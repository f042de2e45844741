"""How far the entries of a ledger whose ids are whole numbers have been counted for good.

Ids are handed out before their transaction commits, so an entry may appear below the greatest id already seen. The low
watermark therefore passes an id only when every transaction that was running when the id was seen has ended.
"""

from dataclasses import dataclass, replace

from exporter.sources.horizon import Horizon

LEAST_ID = -(2**63)


@dataclass(frozen=True, slots=True)
class Watermark:
    """All entries with ids up to ``low`` are counted for good; of those between ``low`` and ``high`` each is remembered.

    Above ``high`` none is counted. ``mark`` was the greatest id when it was seen; it becomes the low watermark once all
    transactions before ``barrier`` have ended. The barrier is set one poll later than the mark, because a transaction may draw
    its id from the sequence a moment before PostgreSQL counts it as running.
    """

    low: int
    mark: int
    high: int
    barrier: int | None = None

    @classmethod
    def at(cls, newest: int | None) -> "Watermark":
        """A watermark of which all stand at the greatest id, or below all ids where there is none."""
        newest = LEAST_ID if newest is None else newest
        return cls(newest, newest, newest)

    def reach(self, high: int) -> "Watermark":
        """With all entries counted up to an id."""
        return replace(self, high=max(self.high, high))

    def advance(self, horizon: Horizon) -> "Watermark":
        """After a poll under the snapshot of ``horizon`` that counted all it saw up to ``high``."""
        if self.barrier is None:
            return replace(self, barrier=horizon.next)
        if horizon.oldest < self.barrier:
            return self
        return Watermark(low=max(self.low, self.mark), mark=max(self.mark, self.high), high=self.high)


def shift(low: int, high: int, *, least: int = 6, most_bins: int = 1024) -> int:
    """By how many bits ids between two watermarks are shifted to fall into a bounded number of bins."""
    return max(least, ((high - low) // most_bins).bit_length())
