"""The result of one refresh: an immutable value that the exposition renders once and the page reads."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from prometheus_client.samples import Sample

from exporter.config.errors import suggestion
from exporter.metrics import SHARD, Family


@dataclass(frozen=True, slots=True)
class LedgerStatus:
    """The state of one ledger after a refresh. Times are aware; None means that there was no entry or no success yet.

    Only ledgers of timed entries have an oldest and a newest one.
    """

    name: str
    up: bool
    newest_entry: datetime | None
    last_success: datetime | None
    oldest_entry: datetime | None = None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The families of one refresh.

    ``as_of`` is the time of the data, aware, in the time zone of the budget day. ``absent`` maps each metric or label that
    is missing to a sentence that says why. ``failed`` names the sections that could not be computed. ``complete`` is true
    once every configured ledger has been read or has failed at least once. ``top`` is how many tasks a ranking of all quests
    has; the families may hold more, which are among the first of their quest. ``folded`` is how many series were folded into
    ``other``, and ``rejected`` how many entries of each ledger are left out. ``shard`` becomes a label of every sample.
    """

    as_of: datetime
    families: tuple[Family, ...]
    ledgers: tuple[LedgerStatus, ...]
    absent: Mapping[str, str] = field(default_factory=dict)
    failed: tuple[str, ...] = ()
    complete: bool = True
    top: int = 15
    folded: int = 0
    rejected: Mapping[str, int] = field(default_factory=dict)
    shard: str | None = None

    def __repr__(self) -> str:
        samples, ledgers = sum(len(family.samples) for family in self.families), [ledger.name for ledger in self.ledgers]
        return f"<Snapshot as of {self.as_of.isoformat()}: {samples} samples of {', '.join(ledgers)}>"

    @property
    def last_read(self) -> datetime:
        """When a ledger was last read: ``as_of`` while one is up, else the last success of any."""
        successes = [ledger.last_success for ledger in self.ledgers if ledger.last_success]
        return self.as_of if any(ledger.up for ledger in self.ledgers) else max(successes, default=self.as_of)

    def samples(self, metric: str) -> list[Sample]:
        """The samples of a metric as on ``/metrics``: ``labels`` by name, and a finite ``value`` in the unit of the metric.

        There are none where the ledgers do not tell the metric, and ``absent`` has the reason. Amounts are added up exactly
        and become a float once, here.

        Raises:
            LookupError: there is no such metric.
        """
        families = {family.metric.name: family for family in self.families}
        if metric not in families:
            if metric not in self.absent:
                raise LookupError(f"no metric {metric}; {suggestion(metric, families)}")
            return []
        names = families[metric].metric.labels
        constant = {} if self.shard is None else {SHARD: self.shard}
        found = families[metric].samples
        return [Sample(metric, dict(zip(names, values, strict=True)) | constant, value) for values, value in found]
