"""How much a run measures."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from bench.ledger import Shape


@dataclass(frozen=True, slots=True)
class Size:
    """The ledgers of a run and how often each thing is repeated; seconds where nothing else is said.

    ``history`` are ledgers of the same daily rate, the longest of which is the main one; ``rates`` differ in their rate.
    ``others`` are the ledgers of single steps: ``busy_day`` has one day, of more calls than fit into memory.
    """

    history: Mapping[str, Shape]
    rates: Mapping[str, Shape]
    others: Mapping[str, Shape]
    interval: int
    refreshes: int
    runs: int
    peer_runs: int
    scraping: int

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


SIZES: Final[Mapping[str, Size]] = {
    "small": Size(
        history={"short": Shape(1, 25_000), "middle": Shape(4, 25_000), "long": Shape(40, 25_000)},
        rates={"rate_10k": Shape(2, 10_000), "rate_100k": Shape(2, 100_000), "rate_1m": Shape(1, 1_000_000)},
        others={"busy_day": Shape(1, 2_500_000)},
        interval=1,
        refreshes=5,
        runs=1,
        peer_runs=1,
        scraping=2,
    ),
    "full": Size(
        history={"short": Shape(4, 25_000), "middle": Shape(40, 25_000), "long": Shape(400, 25_000)},
        rates={name: Shape(3, rate) for name, rate in (("rate_10k", 10_000), ("rate_100k", 100_000), ("rate_1m", 1_000_000))},
        others={"busy_day": Shape(1, 20_000_000)},
        interval=5,
        refreshes=15,
        runs=3,
        peer_runs=1,
        scraping=10,
    ),
}
