"""The report: all sections over the rollups at one moment, each of which may fail without taking the others along."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import localcontext

import duckdb
import structlog

from exporter.config import Config, Ledger
from exporter.errors import first_line
from exporter.metrics import Family, Metric
from exporter.report.context import EXACT, ReportContext
from exporter.report.prepared import Prepared, Preparer
from exporter.requirements import LABELS
from exporter.rollups import Rollups
from exporter.sections import SECTIONS, Section, available

log = structlog.get_logger()

FAILED = "This section could not be computed; the log says why."
UNREAD = "The {ledger} ledger has not been read yet."
DAYS_ONLY = "The costs ledger tells days only, so projections go by the elapsed share of the day."
TOO_OLD = "The {ledger} ledger could not be read for longer than refresh.stale_after."


@dataclass(frozen=True, slots=True)
class Reading:
    """Of one ledger: whether the last attempt to read it succeeded, and when one last did (None: it was never read whole)."""

    up: bool
    last_success: datetime | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one section went. ``moment`` is that of its oldest ledger, None without one; ``error`` is why it failed, if it did.

    ``absent`` says of each metric that is not among ``families`` why it is not known, in a sentence for people.
    """

    families: list[Family]
    seconds: float
    moment: datetime | None
    absent: Mapping[str, str]
    error: str | None


@dataclass(frozen=True, slots=True)
class Report:
    """All sections by name, how many series were folded into ``other``, and why labels are not known, by their names.

    ``quest_top`` is how many tasks of each quest a ranking may have.
    """

    outcomes: Mapping[str, Outcome]
    folded: int
    quest_top: int
    unlabelled: Mapping[str, str]

    @property
    def families(self) -> tuple[Family, ...]:
        """Those of all sections."""
        return tuple(family for outcome in self.outcomes.values() for family in outcome.families)

    @property
    def absent(self) -> dict[str, str]:
        """By the name of each metric or label that is not known, a sentence that says why."""
        found = {name: reason for outcome in self.outcomes.values() for name, reason in outcome.absent.items()}
        return found | dict(self.unlabelled)

    @property
    def errors(self) -> dict[str, str]:
        """By the name of each section that failed, why it did."""
        return {name: outcome.error for name, outcome in self.outcomes.items() if outcome.error}


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
        with localcontext(EXACT):
            return self._make(readings, now)

    def _make(self, readings: Mapping[str, Reading], now: datetime) -> Report:
        if self._connection is not self._rollups.connection:
            self._forget()
        patience = self._config.refresh.stale_after
        # A last success in the future is from before the clock was set back, so the age of the data is unknown.
        usable = {name for name, each in readings.items() if each.last_success and abs(now - each.last_success) <= patience}
        outcomes, folded, quest_top = {}, 0, self._config.report.quest_top
        moments = {name: self._moment(section, readings, usable, now) for name, section in SECTIONS.items()}
        for name, section in sorted(SECTIONS.items(), key=lambda item: moments[item[0]], reverse=True):
            context = ReportContext(self._connection, self._config, moments[name])
            prepared = self._preparer.prepare(context)
            folded, quest_top = max(folded, prepared.labels.folded), min(quest_top, prepared.labels.quest_top)
            start = time.perf_counter()
            families, error = self._collect(name, section, context, prepared)
            absent = self._absent(section, readings, usable, error)
            shown = [family for family in families if family.metric.name not in absent]
            seconds = time.perf_counter() - start
            outcomes[name] = Outcome(shown, seconds, self._oldest(section, readings, now), absent, error)
        return Report({name: outcomes[name] for name in SECTIONS}, folded, quest_top, _unlabelled(self._config.ledgers))

    def _forget(self) -> None:
        """Begin again, for the tables of the report before went with their connection."""
        self._connection = self._rollups.connection
        self._preparer = Preparer(self._rollups, available(self._config.ledgers))
        self._kept: dict[str, tuple[object, list[Family]]] = {}

    def _collect(
        self, name: str, section: Section, context: ReportContext, prepared: Prepared
    ) -> tuple[list[Family], str | None]:
        """The families of a section, or why it failed."""
        ledgers = {ledger: prepared.revisions[ledger] for ledger in self._needed(section)}
        key = (ledgers, prepared.windows, prepared.today, prepared.labels.names)
        before, families = self._kept.pop(name, (None, []))
        try:
            if before != key:
                families = [_ordered(family) for family in section.collect(context, prepared)]
        except duckdb.Error as error:
            self._rollups.mark_suspect(error)
            log.exception("section failed", section=name)
            return [], first_line(error)
        if section.TIMELESS:
            self._kept[name] = (key, families)
        return families, None

    def _moment(self, section: Section, readings: Mapping[str, Reading], usable: set[str], now: datetime) -> datetime:
        down = [readings[name].last_success for name in self._needed(section) & usable if not readings[name].up]
        return min((moment for moment in down if moment), default=now)

    def _oldest(self, section: Section, readings: Mapping[str, Reading], now: datetime) -> datetime | None:
        moments = [readings[name].last_success for name in self._needed(section) if name in readings]
        return None if None in moments else min((moment for moment in moments if moment), default=now)

    def _needed(self, section: Section) -> set[str]:
        return {source.ledger for metric in section.METRICS for source in metric.used(self._config.ledgers)}

    def _absent(self, section: Section, readings: Mapping[str, Reading], usable: set[str], error: str | None) -> dict[str, str]:
        """By the names of metrics that are not known, a sentence that says why."""
        ledgers = self._config.ledgers
        if error:
            return {metric.name: FAILED for metric in section.METRICS}
        found = {metric.name: metric.missing(ledgers) or self._unread(metric, readings, usable) for metric in section.METRICS}
        return {name: reason for name, reason in found.items() if reason}

    def _unread(self, metric: Metric, readings: Mapping[str, Reading], usable: set[str]) -> str | None:
        """Why a metric is unknown: its first unusable ledger is too old or was never read. None if all are usable."""
        for source in metric.used(self._config.ledgers):
            if source.ledger not in usable:
                read = source.ledger in readings and readings[source.ledger].last_success
                return (TOO_OLD if read else UNREAD).format(ledger=source.ledger)
        return None


def _unlabelled(ledgers: Mapping[str, Ledger]) -> dict[str, str]:
    """By the names of labels and of ``hour``, where the configured ledgers do not tell them, a sentence that says so."""
    found = {label: source.missing(ledgers) for label, source in LABELS.items() if source.ledger in ledgers}
    found["hour"] = DAYS_ONLY if "costs" in ledgers and ledgers["costs"].timed_by == "day" else None
    return {label: reason for label, reason in found.items() if reason}


def _ordered(family: Family) -> Family:
    """The same samples in an order that depends on nothing but their labels, so that equal ledgers give equal pages."""
    return Family(family.metric, sorted(family.samples))
