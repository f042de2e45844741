"""The exporter's own metrics, brought up to date with a report."""

from collections.abc import Iterable

from exporter.report.reporter import Report
from exporter.snapshot import LedgerStatus
from exporter.telemetry import Telemetry


def update(
    telemetry: Telemetry, report: Report, statuses: Iterable[LedgerStatus], rejected: Iterable[tuple[str, str, int]]
) -> None:
    """Set the gauges of sections and ledgers. ``rejected`` are ``(ledger, reason, entries)``."""
    for name, outcome in report.outcomes.items():
        telemetry.collector_success.labels(name).set(outcome.error is None)
        telemetry.collector_duration.labels(name).set(outcome.seconds)
        telemetry.series.labels(name).set(sum(len(family.samples) for family in outcome.families))
        if outcome.error is None and outcome.moment:
            telemetry.collector_last_success.labels(name).set(outcome.moment.timestamp())
    telemetry.folded_series.set(report.folded)
    telemetry.quest_top.set(report.quest_top)
    for status in statuses:
        telemetry.ledger_up.labels(status.name).set(status.up)
        ends = {telemetry.ledger_newest_entry: status.newest_entry, telemetry.ledger_oldest_entry: status.oldest_entry}
        for gauge, entry in ends.items():
            if entry:
                gauge.labels(status.name).set(entry.timestamp())
            else:
                gauge.remove(status.name)
    telemetry.rejected_rows.clear()
    for ledger, reason, entries in rejected:
        telemetry.rejected_rows.labels(ledger, reason).set(entries)
