"""Where spend is heading: the share of a day's spend that is usually reached by this time of day."""

from datetime import timedelta
from decimal import Decimal

from exporter.calendar import HOUR
from exporter.report.context import ReportContext
from exporter.report.costs import CostSums

LEAST_HISTORY = timedelta(days=7)
LEAST_SHARE = 0.02
TOO_EARLY = HOUR / 2


def usual_share(context: ReportContext, sums: CostSums) -> float | None:
    """From the 28 days before today, by the hour on the clock; the elapsed share of the day where that says too little.

    None in the first half hour, when nothing can be said.
    """
    if context.now - context.calendar.start(context.today) < TOO_EARLY:
        return None
    elapsed = context.calendar.elapsed(context.now)
    if context.maps("costs", "day"):  # a ledger of days knows no course of a day
        return elapsed
    if sums.first_day is None or context.today - sums.first_day < LEAST_HISTORY:
        return elapsed
    clock = context.now.astimezone(context.config.timezone)
    part = Decimal(clock.minute * 60 + clock.second) / 3600
    reached = sum(sums.course[: clock.hour]) + part * sums.course[clock.hour]
    share = float(reached / sum(sums.course)) if sum(sums.course) > 0 else 0.0
    return share if share >= LEAST_SHARE else elapsed


def end_of_day(spent: Decimal, owed: Decimal, share: float) -> float:
    """What will have been spent at the end of today. ``owed`` is the part of it that is below 0.

    A credit is not what a day brings again and again, and what is spent stays spent.
    """
    return float(owed) + float(spent - owed) / share
