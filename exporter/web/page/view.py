"""All that the page shows of a snapshot, by the names in the templates."""

from collections.abc import Iterator
from functools import partial

from exporter.calendar import ONE_DAY
from exporter.metrics import QUEST
from exporter.sections import allocation, spend, waste
from exporter.snapshot import Snapshot
from exporter.web.page import charts, quests, tables
from exporter.web.page import format as shown
from exporter.web.page.lookup import Lookup
from exporter.web.page.notes import notes
from exporter.web.page.tiles import tiles

_NO_TODAY = "Today's spend by quest is not shown: report.windows has no 1d."


def view(snapshot: Snapshot, lookup: Lookup, window: str) -> dict[str, object]:
    """Return the tables, charts and notes of the page. ``lookup`` is over the families of the snapshot."""
    absent = dict(snapshot.absent) | _not_today(lookup)
    today = quests.allocation_table(lookup, snapshot.as_of)
    reasons = tables.waste_by_reason(lookup, window)
    wasted = tables.waste_total(reasons, None if waste.QUEST_USD.name in absent else 0.0)
    days = tables.timeline(lookup, snapshot.as_of.date())
    return {
        "moment": partial(shown.moment, zone=snapshot.as_of.tzinfo),
        "remarks": [*_left_out(snapshot), *_shortened(snapshot, window)],
        "notes": notes(absent),
        "tiles": tiles(lookup, today.total, wasted, window, absent),
        "allocation": today,
        "donut_slices": charts.donut(lookup.sum_by(allocation.ALLOCATION, QUEST), lookup.id_if_shared),
        "budgets": quests.budget_table(lookup, snapshot.as_of),
        "efficient": tables.efficient_tasks(lookup, window, snapshot.top),
        "days": days,
        "timeline_chart": charts.timeline(days),
        "providers": tables.provider_table(lookup, window),
        "reasons": reasons,
        "wasted": wasted,
        "wasteful": tables.wasteful_tasks(lookup, window, snapshot.top),
    }


def _left_out(snapshot: Snapshot) -> Iterator[str]:
    """Say what no row shows."""
    if snapshot.folded:
        yield (
            f"{snapshot.folded:,} series are part of other, because there are more quests, providers or models than the limits"
            " allow. Quests in it count as one, also in Over budget; raise limits.max_series to see them."
        )
    for ledger, entries in snapshot.rejected.items():
        yield (
            f"The {ledger} ledger has {entries:,} {'entry that is' if entries == 1 else 'entries that are'} left out, such as"
            " an amount of NaN: resource_exporter_rejected_rows says why."
        )


def _shortened(snapshot: Snapshot, window: str) -> Iterator[str]:
    """Say of which ledgers the oldest entry is in the window, so that it covers fewer days than its name says."""
    days = window.removesuffix("d")
    for ledger in snapshot.ledgers:
        if ledger.oldest_entry and days.isdecimal():
            day = ledger.oldest_entry.astimezone(snapshot.as_of.tzinfo).date()
            if day > snapshot.as_of.date() - (int(days) - 1) * ONE_DAY:
                yield f"The {ledger.name} ledger holds nothing before {day}, so {window} covers fewer days."


def _not_today(lookup: Lookup) -> dict[str, str]:
    """Why only today's spend is unknown, by the name of its metric."""
    windows = lookup.windows((spend.QUEST_SPEND,))
    return {spend.QUEST_SPEND.name: _NO_TODAY} if windows and quests.TODAY not in windows else {}
