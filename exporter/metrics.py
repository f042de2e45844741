"""Data metrics: their descriptions in the catalogue and their samples in a snapshot.

Data metrics are gauges that are built for every snapshot, so a quest that left the ledger leaves ``/metrics`` too.
The exporter's own metrics are updated in place and live in :mod:`exporter.telemetry`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from exporter.config import Ledger
from exporter.requirements import Source

QUEST = ("quest_id", "quest", "layer")
TASK = ("task_id", "task", *QUEST)
SHARD = "shard"
"""A label of every sample where several exporters share the work; the catalogue does not list it."""

Labels = tuple[str, ...]
Sample = tuple[Labels, float]


@dataclass(frozen=True, slots=True)
class Metric:
    """One entry of the catalogue.

    ``labels`` are in the order of the label values of a sample. ``sources`` are the ledgers and columns that the metric is
    computed from: when one of them is not configured, or has been unreachable for longer than ``refresh.stale_after``, the
    family is withdrawn.
    """

    name: str
    help: str
    labels: Labels
    sources: tuple[Source, ...]
    also: Source | None = None
    """Used too where its ledger is configured."""

    def used(self, ledgers: Mapping[str, Ledger]) -> tuple[Source, ...]:
        """The sources that the metric is computed from when these ledgers are configured."""
        also = (self.also,) if self.also and self.also.ledger in ledgers else ()
        return tuple(dict.fromkeys((*(source.used(ledgers) for source in self.sources), *also)))

    def missing(self, ledgers: Mapping[str, Ledger]) -> str | None:
        """Return a sentence that names the first missing ledger or column; None when nothing is missing."""
        return next(filter(None, (source.missing(ledgers) for source in self.used(ledgers))), None)


@dataclass(frozen=True, slots=True)
class Family:
    """A metric and its samples. A sample has the label values in the order of ``metric.labels`` and a finite number."""

    metric: Metric
    samples: Sequence[Sample]
