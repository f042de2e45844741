"""The exporter's metrics about its own work, updated in place in a registry separate from the data."""

from collections.abc import Iterator, Mapping
from copy import copy
from dataclasses import dataclass
from typing import Final, Literal

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    Histogram,
    Info,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.metrics_core import Metric
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics

from exporter.metrics import SHARD

_EOF: Final = b"# EOF\n"
PREFIX: Final = "resource_exporter_"
STAGES: Final = ("read", "apply", "sections", "render", "total")
OUTCOMES: Final = ("success", "partial", "failure")
# Seconds, from a refresh of a small ledger to a first build over years of calls.
BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)


@dataclass(frozen=True, slots=True)
class OwnMetric:
    """One entry of the catalogue, with its name and type as in text format 0.0.4."""

    name: str
    help: str
    type: Literal["counter", "gauge", "histogram"]
    labels: tuple[str, ...]


class _Alone(CollectorRegistry):
    """A registry of one family, with more labels on its samples.

    It is without times of creation, which double the series of the counters, and which Prometheus does not use. To disable
    them in prometheus_client would change the metrics of a program that imports the package too.
    """

    def __init__(self, family: Metric, labels: Mapping[str, str]) -> None:
        super().__init__()
        self._family = copy(family)
        kept = (sample for sample in family.samples if not sample.name.endswith("_created"))
        self._family.samples = [sample._replace(labels={**sample.labels, **labels}) for sample in kept]

    def collect(self) -> Iterator[Metric]:
        """The family."""
        yield self._family


class Telemetry:
    """All operational metrics and the process metrics of prometheus_client, in one registry.

    ``stage`` is one of ``STAGES`` and ``outcome`` one of ``OUTCOMES``; these series are 0 from the start, so that the first
    failure is an increase. ``collector`` and ``section`` are sections of the report, ``ledger`` is a configured ledger.
    """

    def __init__(self, version: str, revision: str) -> None:
        self.registry = CollectorRegistry()
        self._catalogue: list[OwnMetric] = []
        self._families: dict[str, tuple[Metric, tuple[bytes, bytes]]] = {}
        self._labels: Mapping[str, str] = {}
        self._describe_refreshes()
        self._describe_collectors()
        self._describe_ledgers()
        self._describe_exporter(version, revision)
        for collector in (ProcessCollector, PlatformCollector, GCCollector):
            collector(registry=self.registry)

    def catalogue(self) -> tuple[OwnMetric, ...]:
        """Return every operational metric in the order of ``/metrics``, without the process metrics."""
        return tuple(self._catalogue)

    def set_shard(self, shard: str | None) -> None:
        """Make the shard a label of every sample; None: no such label."""
        self._labels = {} if shard is None else {SHARD: shard}
        self._families = {}

    def render(self) -> tuple[bytes, bytes]:
        """Return the registry in text format 0.0.4 and in OpenMetrics 1.0. The latter ends with ``# EOF``."""
        rendered = [self._rendered(family) for family in self.registry.collect()]
        return b"".join(text for text, _ in rendered), b"".join(openmetrics for _, openmetrics in rendered) + _EOF

    def _rendered(self, family: Metric) -> tuple[bytes, bytes]:
        """A family in both formats, without the end. Most stand from one second to the next and are rendered once."""
        before = self._families.get(family.name)
        if before is None or before[0] != family:
            alone = _Alone(family, self._labels)
            openmetrics: bytes = generate_openmetrics(alone)  # type: ignore[no-untyped-call]
            before = family, (generate_latest(alone), openmetrics.removesuffix(_EOF))
            self._families[family.name] = before
        return before[1]

    def _describe_refreshes(self) -> None:
        self.refresh_duration = self._histogram(
            "refresh_duration_seconds", "Duration of a refresh in seconds, by stage; total is the whole refresh.", "stage"
        )
        self.refreshes = self._counter(
            "refreshes_total", "Refreshes, by outcome: success, partial (a ledger or a section failed) or failure.", "outcome"
        )
        for stage in STAGES:
            self.refresh_duration.labels(stage)
        for outcome in OUTCOMES:
            self.refreshes.labels(outcome)

    def _describe_collectors(self) -> None:
        self.collector_success = self._gauge(
            "collector_success", "Whether the collector's last run succeeded: 1 or 0.", "collector"
        )
        self.collector_duration = self._gauge(
            "collector_duration_seconds", "Duration of the collector's last run in seconds.", "collector"
        )
        self.collector_last_success = self._gauge(
            "collector_last_success_timestamp_seconds",
            "Unix time at which the data of the collector's last success were read, from its least recent ledger.",
            "collector",
        )
        self.series = self._gauge("series", "Data series served, by section.", "section")
        self.quest_top = self._gauge(
            "quest_top",
            "Most tasks of each quest in a ranking: report.quest_top, or fewer where limits.max_series has no room.",
        )
        self.folded_series = self._gauge(
            "folded_series", "Series folded into the label value other because a configured limit was reached."
        )

    def _describe_ledgers(self) -> None:
        self.ledger_up = self._gauge("ledger_up", "Whether the ledger could be read at the last refresh: 1 or 0.", "ledger")
        self.ledger_newest_entry = self._gauge(
            "ledger_newest_entry_timestamp_seconds",
            "Unix time of the newest entry of the ledger that is not in the future.",
            "ledger",
        )
        self.ledger_oldest_entry = self._gauge(
            "ledger_oldest_entry_timestamp_seconds",
            "Unix time of the oldest entry that the ledger still holds, filtered or not.",
            "ledger",
        )
        self.watermark_certain = self._gauge(
            "ledger_watermark_certain",
            "Whether the watermark finds every row that is committed late: 1, or 0 where refresh.late and the audit find them.",
            "ledger",
        )
        self.ledger_rows_read = self._counter(
            "ledger_rows_read_total",
            "Rows of the ledger that were fetched. A row of allocations is the sum of one quest on one day.",
            "ledger",
        )
        self.rejected_rows = self._gauge(
            "rejected_rows", "Entries of the ledger that are excluded from all data metrics, by reason.", "ledger", "reason"
        )
        self.audited_buckets = self._counter(
            "audited_buckets_total",
            "Ranges of the ledger, of an hour at most (days of allocations), that the audit compared with the rollups.",
            "ledger",
        )
        self.audit_repairs = self._counter(
            "audit_repairs_total",
            "Audited ranges (days of allocations) that differed from the rollups and were read again.",
            "ledger",
        )

    def _describe_exporter(self, version: str, revision: str) -> None:
        self.config_reload_successful = self._gauge(
            "config_last_reload_successful", "Whether the last load of the configuration succeeded: 1 or 0."
        )
        self.config_reload_success = self._gauge(
            "config_last_reload_success_timestamp_seconds", "Unix time at which the configuration was last loaded."
        )
        text = "Always 1; the labels hold the version and the revision of the build."
        build = Info(PREFIX + "build", text, registry=self.registry)
        build.info({"version": version, "revision": revision})
        self._catalogue.append(OwnMetric(PREFIX + "build_info", text, "gauge", ("version", "revision")))

    def _gauge(self, name: str, text: str, *labels: str) -> Gauge:
        self._catalogue.append(OwnMetric(PREFIX + name, text, "gauge", labels))
        return Gauge(PREFIX + name, text, labels, registry=self.registry)

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        self._catalogue.append(OwnMetric(PREFIX + name, text, "counter", labels))
        return Counter(PREFIX + name, text, labels, registry=self.registry)

    def _histogram(self, name: str, text: str, *labels: str) -> Histogram:
        self._catalogue.append(OwnMetric(PREFIX + name, text, "histogram", labels))
        return Histogram(PREFIX + name, text, labels, registry=self.registry, buckets=BUCKETS)
