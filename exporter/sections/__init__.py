"""The sections of the report, one module each: SQL over the rollups -> metric families."""

from collections.abc import Mapping
from typing import Protocol

from exporter.config import Ledger
from exporter.metrics import Family, Metric
from exporter.report.context import ReportContext
from exporter.report.prepared import Prepared
from exporter.sections import allocation, budgets, efficiency, info, providers, spend, utilization, waste


class Section(Protocol):
    """A part of the report."""

    @property
    def METRICS(self) -> tuple[Metric, ...]:  # noqa: N802 - a constant of the module
        """What it publishes."""

    @property
    def TIMELESS(self) -> bool:  # noqa: N802
        """Whether it stays the same for the rest of the day, as long as its ledgers and the labels do."""

    def collect(self, context: ReportContext, prepared: Prepared, /) -> list[Family]:
        """Compute all of it.

        Raises:
            duckdb.Error: a query failed.
        """


SECTIONS: Mapping[str, Section] = {
    "report": info,
    "allocation": allocation,
    "budgets": budgets,
    "spend": spend,
    "utilization": utilization,
    "providers": providers,
    "efficiency": efficiency,
    "waste": waste,
}


def available(ledgers: Mapping[str, Ledger]) -> list[Metric]:
    """The metrics for which the configured ledgers have all that they come from."""
    return [metric for section in SECTIONS.values() for metric in section.METRICS if not metric.missing(ledgers)]
