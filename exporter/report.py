"""The report: all sections over the rollups at one moment, each of which may fail without taking the others along."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

import duckdb
import structlog
from duckdb import DuckDBPyConnection

from exporter.config import Config
from exporter.metrics import Family, Metric
from exporter.sections import SECTIONS, Section, costs, labels, tasks
from exporter.sections.frame import Frame

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Reading:
    """Of one ledger: whether the last attempt to read it succeeded, and when one last did (None: it was never read whole)."""

    up: bool
    last_success: datetime | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one section went. ``families`` is None when it failed; ``moment`` is that of its oldest ledger, None without one."""

    families: list[Family] | None
    seconds: float
    moment: datetime | None


@dataclass(frozen=True, slots=True)
class Report:
    """All sections by name, and how many series were folded into ``other``."""

    outcomes: Mapping[str, Outcome]
    folded: int


class Reporter:
    """Makes reports from the rollups."""

    def __init__(self, connection: DuckDBPyConnection, config: Config) -> None:
        self._connection = connection
        self._config = config
        self._windows: Mapping[str, date] = {}

    def make(self, readings: Mapping[str, Reading], now: datetime) -> Report:
        """A report of all metrics whose ledgers are not older than ``refresh.stale_after``.

        A section whose ledgers are all up is as of ``now``; one with a ledger that is down stays at the moment when that was
        last read, so that its last numbers stay too.
        """
        oldest = now - self._config.refresh.stale_after
        usable = {
            name: reading for name, reading in readings.items() if reading.last_success and reading.last_success >= oldest
        }
        outcomes, folded, frame = {}, 0, None
        moments = {name: self._moment(section, usable, now) for name, section in SECTIONS.items()}
        for name, section in sorted(SECTIONS.items(), key=lambda item: moments[item[0]], reverse=True):
            if frame is None or frame.now != moments[name]:
                frame = Frame(self._connection, self._config, moments[name])
                folded = max(folded, self._prepare(frame))
            families, seconds = self._collect(name, section, frame, usable)
            outcomes[name] = Outcome(families, seconds, self._oldest(section, readings, now))
        return Report({name: outcomes[name] for name in SECTIONS}, folded)

    def _prepare(self, frame: Frame) -> int:
        tasks.prepare(frame, anew=frame.windows != self._windows)
        self._windows = frame.windows
        costs.prepare(frame)
        return labels.prepare(frame)

    def _collect(
        self, name: str, section: Section, frame: Frame, usable: Mapping[str, Reading]
    ) -> tuple[list[Family] | None, float]:
        start = time.perf_counter()
        try:
            families = [_ordered(family) for family in section.collect(frame) if self._known(family.metric, usable)]
        except duckdb.Error:
            log.exception("section failed", section=name)
            families = None
        return families, time.perf_counter() - start

    def _moment(self, section: Section, usable: Mapping[str, Reading], now: datetime) -> datetime:
        down = [reading.last_success for name, reading in usable.items() if name in self._needed(section) and not reading.up]
        return min((moment for moment in down if moment), default=now)

    def _oldest(self, section: Section, readings: Mapping[str, Reading], now: datetime) -> datetime | None:
        moments = [readings[name].last_success for name in self._needed(section) if name in readings]
        return None if None in moments else min((moment for moment in moments if moment), default=now)

    def _needed(self, section: Section) -> set[str]:
        return {ledger for metric in section.METRICS for ledger in self._ledgers(metric)}

    def _known(self, metric: Metric, usable: Mapping[str, Reading]) -> bool:
        return all(ledger in usable for ledger in self._ledgers(metric))

    def _ledgers(self, metric: Metric) -> tuple[str, ...]:
        """The ledgers that the metric comes from in this configuration."""
        configured = self._config.ledgers
        if metric.stand_in and not any(ledger in configured for ledger in metric.ledgers):
            return (metric.stand_in,)
        return metric.ledgers


def _ordered(family: Family) -> Family:
    """The same samples in an order that depends on nothing but their labels, so that equal ledgers give equal pages."""
    return Family(family.metric, sorted(family.samples))
