"""Money and calls by window, on which spend and providers are based."""

from datetime import timedelta

from exporter.columns import COST_SUMS, listed
from exporter.report.context import ReportContext

_SUMS = listed(COST_SUMS, "sum({name}) AS {name}")
# What happened before today stands for the rest of the day, unless a day that is over is corrected.
_PAST = f"""
SELECT '{{window}}' AS time_window, quest, model_key, {_SUMS}
  FROM daily_costs WHERE day >= DATE '{{first}}' AND day < $today GROUP BY quest, model_key
"""
_TODAY = f"""
CREATE OR REPLACE TEMP TABLE today_costs AS
SELECT quest, model_key, {_SUMS} FROM daily_costs WHERE day >= $today GROUP BY quest, model_key
"""
_WINDOW_COSTS = """
CREATE OR REPLACE TEMP VIEW window_costs AS
FROM past_costs UNION ALL BY NAME SELECT today_costs.*, time_window FROM today_costs, (SELECT unnest({windows}) AS time_window)
"""
# The usual course of a day, and since when there are costs.
_COURSE = """
CREATE OR REPLACE TEMP TABLE recent_hours AS
FROM hourly_costs WHERE day >= $first AND day < $today
"""
_FIRST_DAY = """
CREATE OR REPLACE TEMP TABLE first_cost_day AS
SELECT min(day) AS day FROM (SELECT day FROM daily_costs WHERE day < $today GROUP BY day HAVING sum(calls) <> 0)
"""
COURSE_DAYS = timedelta(days=28)
# Where there is no ledger of costs, spend is what the allocation ledger reports.
_REPORTED = "SELECT day, quest, spent_usd AS usd FROM allocations WHERE spent_usd IS NOT NULL"
_REPORTED_RECENTLY = f"SELECT '{{window}}' AS time_window, quest, usd FROM ({_REPORTED}) WHERE day >= DATE '{{first}}'"


def prepare(context: ReportContext, *, past: bool) -> None:
    """Make ``window_costs``, parts of the sums by window, quest and model.

    Also the money alone, ``quest_windows`` and ``quest_days``; ``recent_hours``, what was billed in each hour of the last 28
    days; and ``first_cost_day``, NULL if it is today. ``past`` says whether days before today, or the windows, are others than
    in the report before.
    """
    if past:
        query = context.by_window(_PAST, _PAST)
        context.rows(f"CREATE OR REPLACE TEMP TABLE past_costs AS {query}", today=context.today)
        context.rows(_COURSE, first=context.today - COURSE_DAYS, today=context.today)
        context.rows(_FIRST_DAY, today=context.today)
    context.rows(_TODAY, today=context.today)
    if past:
        _define_views(context)


def _define_views(context: ReportContext) -> None:
    context.rows(_WINDOW_COSTS.format(windows=list(context.windows)))
    if "costs" in context.config.ledgers:
        days, windows = "SELECT day, quest, usd FROM daily_costs", "SELECT time_window, quest, usd FROM window_costs"
    else:
        days, windows = _REPORTED, context.by_window(_REPORTED_RECENTLY, _REPORTED_RECENTLY)
    context.rows(f"CREATE OR REPLACE TEMP VIEW quest_days AS {days}")
    context.rows(f"CREATE OR REPLACE TEMP VIEW quest_windows AS {windows}")
