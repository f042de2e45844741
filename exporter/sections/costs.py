"""Money and calls by window, on which spend and providers are based."""

from exporter.sections.frame import Frame

_RECENT = """
SELECT '{window}' AS time_window, quest, pair, sum(calls) AS calls, sum(unpriced) AS unpriced, sum(usd) AS usd,
       sum(input_tokens) AS input_tokens, sum(output_tokens) AS output_tokens
  FROM cost_days WHERE day >= DATE '{first}' GROUP BY quest, pair
"""
_LIFETIME = "SELECT '{window}' AS time_window, quest, pair, calls, unpriced, usd, input_tokens, output_tokens FROM cost_totals"
# Where there is no ledger of costs, spend is what the allocation ledger reports.
_REPORTED = "SELECT day, quest, spent_usd AS usd FROM allocations WHERE spent_usd IS NOT NULL"
_REPORTED_RECENTLY = f"SELECT '{{window}}' AS time_window, quest, usd FROM ({_REPORTED}) WHERE day >= DATE '{{first}}'"


def prepare(frame: Frame) -> None:
    """Make ``window_costs``, sums by window, quest and model, and the money alone: ``quest_windows`` and ``quest_days``."""
    frame.rows("CREATE OR REPLACE TEMP TABLE window_costs AS " + frame.by_window(_RECENT, _LIFETIME))
    if "costs" in frame.config.ledgers:
        days, windows = "SELECT day, quest, usd FROM cost_days", "SELECT time_window, quest, usd FROM window_costs"
    else:
        days, windows = _REPORTED, frame.by_window(_REPORTED_RECENTLY, _REPORTED_RECENTLY)
    frame.rows(f"CREATE OR REPLACE TEMP VIEW quest_days AS {days}")
    frame.rows(f"CREATE OR REPLACE TEMP VIEW quest_windows AS {windows}")
