"""What a data metric is: its description in the catalogue and its samples in a snapshot.

Data metrics are gauges that are built new for every snapshot, so a quest that left the ledger leaves the page too.
The exporter's own metrics are counted in place and live in :mod:`exporter.telemetry`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

QUEST = ("quest_id", "quest", "layer")
TASK = ("task_id", "task", *QUEST)

Labels = tuple[str, ...]
Sample = tuple[Labels, float]


@dataclass(frozen=True, slots=True)
class Metric:
    """One entry of the catalogue.

    ``labels`` are in the order in which samples give their values. ``ledgers`` are those the numbers come from: when one
    of them is not configured, or has been unreachable for longer than ``refresh.stale_after``, the family is withdrawn.
    """

    name: str
    help: str
    labels: Labels
    ledgers: tuple[str, ...]
    stand_in: str | None = None
    """The ledger that the numbers come from where ``ledgers`` are not configured."""


@dataclass(frozen=True, slots=True)
class Family:
    """A metric and its samples, each the label values in the metric's order and a finite number in the metric's unit."""

    metric: Metric
    samples: Sequence[Sample]
