"""Money and calls by window, on which spend and providers are based."""

from exporter.report.context import ReportContext

_RECENT = """
SELECT '{window}' AS time_window, quest, model_key, sum(calls) AS calls, sum(unpriced) AS unpriced, sum(usd) AS usd,
       sum(input_tokens) AS input_tokens, sum(output_tokens) AS output_tokens
  FROM daily_costs WHERE day >= DATE '{first}' GROUP BY quest, model_key
"""
_LIFETIME = (
    "SELECT '{window}' AS time_window, quest, model_key, calls, unpriced, usd, input_tokens, output_tokens FROM total_costs"
)
# Where there is no ledger of costs, spend is what the allocation ledger reports.
_REPORTED = "SELECT day, quest, spent_usd AS usd FROM allocations WHERE spent_usd IS NOT NULL"
_REPORTED_RECENTLY = f"SELECT '{{window}}' AS time_window, quest, usd FROM ({_REPORTED}) WHERE day >= DATE '{{first}}'"


def prepare(context: ReportContext) -> None:
    """Make ``window_costs``, sums by window, quest and model, and the money alone: ``quest_windows`` and ``quest_days``."""
    context.rows("CREATE OR REPLACE TEMP TABLE window_costs AS " + context.by_window(_RECENT, _LIFETIME))
    if "costs" in context.config.ledgers:
        days, windows = "SELECT day, quest, usd FROM daily_costs", "SELECT time_window, quest, usd FROM window_costs"
    else:
        days, windows = _REPORTED, context.by_window(_REPORTED_RECENTLY, _REPORTED_RECENTLY)
    context.rows(f"CREATE OR REPLACE TEMP VIEW quest_days AS {days}")
    context.rows(f"CREATE OR REPLACE TEMP VIEW quest_windows AS {windows}")
