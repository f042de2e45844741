"""How much a run measures."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from bench.bars import BARS, LARGE, Bar
from bench.ledger import Shape

BUSY_RATE: Final = 1_000_000
BYTES_PER_CALL: Final = 500
"""Of disk: the ledger with its indexes, the log of writes, temporary files of sorting and grouping, and the rollups."""
STEPS: Final = (
    "plain",
    "aggregation",
    "peers",
    "life",
    "scrapes",
    "history",
    "rates",
    "late",
    "text_ids",
    "busy",
)


@dataclass(frozen=True, slots=True)
class Size:
    """The ledgers of a run and how often each thing is repeated; seconds where nothing else is said.

    ``history`` are ledgers of the same daily rate, the longest of which is the main one; ``rates`` differ in their rate.
    ``others`` are the ledgers of single steps: ``busy_day`` has one day, of more calls than fit into memory, ``late`` the 14
    days in which scores change. Ledgers of a million calls a day and more are refreshed at ``busy_interval``.
    ``turn`` refreshes are measured where two things take turns, in so many ``rounds``; elsewhere ``refreshes``.
    ``results`` is the page of a run that measured every bar; without one, a bar that is missed is information.
    """

    history: Mapping[str, Shape]
    rates: Mapping[str, Shape]
    others: Mapping[str, Shape]
    interval: int
    busy_interval: int
    refreshes: int
    rounds: int
    turn: int
    runs: int
    peer_runs: int
    scraping: int
    late_rows: int
    steps: tuple[str, ...] = STEPS
    bars: tuple[Bar, ...] = BARS
    results: str | None = None

    @property
    def ledgers(self) -> Mapping[str, Shape]:
        """All ledgers by name."""
        return {**self.history, **self.rates, **self.others}

    @property
    def days(self) -> Mapping[str, float]:
        """How many days of history each ledger has, by its name."""
        return {name: shape.days for name, shape in self.history.items()}

    @property
    def main(self) -> str:
        """The name of the ledger that everybody is measured on."""
        return max(self.history, key=lambda name: self.history[name].rows)

    @property
    def disk_bytes(self) -> int:
        """How much disk a run needs: ledgers of other lengths stand beside the main one, all others come one by one."""
        together = sum(shape.rows for shape in self.history.values())
        others = [shape.rows for shape in (*self.rates.values(), *self.others.values())]
        return BYTES_PER_CALL * (together + max(others, default=0))

    def interval_of(self, name: str) -> int:
        """The interval of refreshes over a ledger."""
        return self.busy_interval if self.ledgers[name].rate >= BUSY_RATE else self.interval


SIZES: Final[Mapping[str, Size]] = {
    "small": Size(
        history={"short": Shape(1, 25_000), "middle": Shape(4, 25_000), "long": Shape(40, 25_000)},
        rates={
            "rate_10k": Shape(2, 10_000),
            "rate_100k": Shape(2, 100_000),
            "rate_1m": Shape(1, 1_000_000),
            "rate_10m": Shape(0.1, 10_000_000),
        },
        others={"late": Shape(15, 10_000), "text_ids": Shape(0.5, 1_000_000), "busy_day": Shape(1, 1_000_000)},
        interval=1,
        busy_interval=2,
        refreshes=3,
        rounds=2,
        turn=2,
        runs=1,
        peer_runs=1,
        scraping=1,
        late_rows=1,
    ),
    "full": Size(
        history={"short": Shape(4, 25_000), "middle": Shape(40, 25_000), "long": Shape(400, 25_000)},
        rates={
            "rate_10k": Shape(3, 10_000),
            "rate_100k": Shape(3, 100_000),
            "rate_1m": Shape(3, 1_000_000),
            "rate_10m": Shape(1, 10_000_000),
        },
        others={"late": Shape(15, 100_000), "text_ids": Shape(3, 1_000_000), "busy_day": Shape(1, 20_000_000)},
        interval=5,
        busy_interval=15,
        refreshes=8,
        rounds=3,
        turn=5,
        runs=3,
        peer_runs=1,
        scraping=10,
        late_rows=3,
        results="RESULTS.md",
    ),
    "large": Size(
        history={"large": Shape(400, 250_000)},
        rates={},
        others={},
        interval=5,
        busy_interval=15,
        refreshes=10,
        rounds=3,
        turn=5,
        runs=1,
        peer_runs=1,
        scraping=10,
        late_rows=3,
        steps=("aggregation", "life", "history"),
        bars=LARGE,
        results="RESULTS-large.md",
    ),
}
