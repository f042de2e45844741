"""What a data metric is: its description in the catalogue and its samples in a snapshot.

Data metrics are gauges that are built new for every snapshot, so a quest that left the ledger leaves the page too.
The exporter's own metrics are counted in place and live in :mod:`exporter.telemetry`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from exporter.config import Ledger
from exporter.requirements import Source

QUEST = ("quest_id", "quest", "layer")
TASK = ("task_id", "task", *QUEST)

Labels = tuple[str, ...]
Sample = tuple[Labels, float]


@dataclass(frozen=True, slots=True)
class Metric:
    """One entry of the catalogue.

    ``labels`` are in the order in which samples give their values. ``sources`` are those the numbers come from: when one
    of them is not configured, or has been unreachable for longer than ``refresh.stale_after``, the family is withdrawn.
    """

    name: str
    help: str
    labels: Labels
    sources: tuple[Source, ...]
    stand_in: Source | None = None
    """What the numbers come from where no ledger of ``sources`` is configured."""

    def used(self, ledgers: Mapping[str, Ledger]) -> tuple[Source, ...]:
        """The sources of the numbers in a configuration with these ledgers."""
        if self.stand_in and not any(source.ledger in ledgers for source in self.sources):
            return (self.stand_in,) if self.stand_in.ledger in ledgers else self.sources
        return self.sources

    def missing(self, ledgers: Mapping[str, Ledger]) -> str | None:
        """A sentence that says what the numbers need and the configured ledgers lack; None when nothing."""
        return next(filter(None, (source.missing(ledgers) for source in self.used(ledgers))), None)


@dataclass(frozen=True, slots=True)
class Family:
    """A metric and its samples, each the label values in the metric's order and a finite number in the metric's unit."""

    metric: Metric
    samples: Sequence[Sample]
