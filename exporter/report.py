"""The report: all sections over the rollups at one moment, each of which may fail without taking the others along."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

import duckdb
import structlog

from exporter.config import Config
from exporter.metrics import Family, Metric
from exporter.rollups import Rollups
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


@dataclass(frozen=True, slots=True)
class Prepared:
    """Of what the tables that sections share were made."""

    revisions: Mapping[str, int]
    windows: Mapping[str, date]
    today: date
    labels: labels.Labels


class Reporter:
    """Makes reports from the rollups. What did not change since the report before is not computed again."""

    def __init__(self, rollups: Rollups, config: Config) -> None:
        self._rollups = rollups
        self._config = config
        self._forget()

    def make(self, readings: Mapping[str, Reading], now: datetime) -> Report:
        """A report of all metrics whose ledgers are not older than ``refresh.stale_after``.

        A section whose ledgers are all up is as of ``now``; one with a ledger that is down stays at the moment when that was
        last read, so that its last numbers stay too.
        """
        if self._connection is not self._rollups.connection:
            self._forget()
        patience = self._config.refresh.stale_after
        usable = {
            name: reading
            for name, reading in readings.items()
            # From the future are those that were read before the clock was set back: how old they are cannot be told.
            if reading.last_success and abs(now - reading.last_success) <= patience
        }
        outcomes, folded = {}, 0
        moments = {name: self._moment(section, usable, now) for name, section in SECTIONS.items()}
        for name, section in sorted(SECTIONS.items(), key=lambda item: moments[item[0]], reverse=True):
            frame = Frame(self._connection, self._config, moments[name])
            prepared = self._prepare(frame)
            folded = max(folded, prepared.labels.folded)
            families, seconds = self._collect(name, section, frame, prepared)
            shown = families and [family for family in families if self._known(family.metric, usable)]
            outcomes[name] = Outcome(shown, seconds, self._oldest(section, readings, now))
        return Report({name: outcomes[name] for name in SECTIONS}, folded)

    def _forget(self) -> None:
        """Begin anew, for the tables of the report before went with their connection."""
        self._connection = self._rollups.connection
        self._prepared: Prepared | None = None
        self._kept: dict[str, tuple[object, list[Family]]] = {}

    def _prepare(self, frame: Frame) -> Prepared:
        """Make the tables that sections share, unless they stand as the rollups and the day demand."""
        revisions = dict(self._rollups.revisions)
        before = self._prepared
        if before and (before.revisions, before.windows, before.today) == (revisions, frame.windows, frame.today):
            return before
        self._prepared = None
        anew = before is None or frame.windows != before.windows
        tasks.prepare(frame, anew=anew, judged=before is None or before.revisions.get("impacts") != revisions.get("impacts"))
        costs.prepare(frame)
        self._prepared = Prepared(revisions, frame.windows, frame.today, labels.prepare(frame))
        return self._prepared

    def _collect(self, name: str, section: Section, frame: Frame, prepared: Prepared) -> tuple[list[Family] | None, float]:
        start = time.perf_counter()
        ledgers = {ledger: prepared.revisions.get(ledger) for ledger in self._needed(section)}
        key = (ledgers, prepared.windows, prepared.today, prepared.labels.digest)
        before, families = self._kept.pop(name, (None, []))
        try:
            if before != key:
                families = [_ordered(family) for family in section.collect(frame)]
        except duckdb.Error as error:
            self._rollups.doubt(error)
            log.exception("section failed", section=name)
            return None, time.perf_counter() - start
        if section.TIMELESS:
            self._kept[name] = (key, families)
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
