"""What reports may read of the rollups: these views, and the tables of names. Each says in one sentence what a row is."""

from collections.abc import Mapping

from duckdb import DuckDBPyConnection

from exporter.columns import DECIMAL
from exporter.config import Ledger
from exporter.rollups.running_totals import RUNNING_TOTALS
from exporter.rollups.tasks import LATEST

VIEWS = {
    # Sums of the calls of a day, quest and model. There may be several rows of each, which may add up to no entries.
    "daily_costs": "FROM cost_days",
    # What was billed in an hour of a day, without credits.
    "hourly_costs": "SELECT day, minute // 60 AS hour, sum(positive_usd) AS positive_usd FROM ranges WHERE ledger = 'costs'"
    " GROUP BY ALL",
    # A judged outcome of a task that is not compacted. The outcome with the greatest order is the latest.
    "outcomes": f"SELECT task, quest, layer, title, day, usd, tokens, impact, {LATEST} AS latest FROM impacts"
    " WHERE rejection_reason IS NULL",
    # A layer that an outcome gives its quest. The one with the greatest order is the latest.
    "quest_layers": f"SELECT quest, layer, {LATEST} AS latest FROM impacts WHERE rejection_reason IS NULL"
    " UNION ALL SELECT quest, layer, latest FROM compacted_quests",
    # Sums over all judged tasks of a quest that are wasted for one reason, or not at all (NULL). scored have an impact.
    "quest_outcome_totals": RUNNING_TOTALS["quest_outcomes"].view,
    # Sums of what all judged tasks bring to a provider family.
    "provider_outcome_totals": RUNNING_TOTALS["provider_outcomes"].view,
    # A provider family that a task called, and the last day. Dropped tasks that called the same families are one row of each.
    "callers": "SELECT task, family, last_day, 1 AS tasks FROM task_providers"
    " UNION ALL SELECT -1 - rowid, unnest(families), month, tasks FROM dropped_callers",
    # How many tasks called a provider family on a day for the last time.
    "provider_last_days": RUNNING_TOTALS["provider_days"].view,
}


_PERIODS = {
    "allocations": "SELECT quest, 'day' AS period, day AS starts_on, day AS ends_on, allocated_usd AS usd FROM allocations"
    " WHERE allocated_usd IS NOT NULL",
    "budgets": "SELECT quest, period, starts_on, ends_on, usd FROM budgets",
}
"""What each of these ledgers, if it is configured, says of what a quest may spend from one day to another."""
# A row is what a quest may spend on a day between two days, and what the ledger itself says was spent.
_ALLOCATED = "SELECT day, quest, allocated_usd, spent_usd FROM allocations WHERE day BETWEEN first AND last"
# Where there are budgets only, it is the share of a day in the budget; of several, in the one with the fewest days.
# Of one period, the budget that began last holds.
_DERIVED = f"""
SELECT day::DATE AS day, quest, (usd / days)::{DECIMAL} AS allocated_usd, NULL::{DECIMAL} AS spent_usd
  FROM (SELECT day, quest, usd, ends_on - starts_on + 1 AS days
          FROM (SELECT unnest(range(greatest(starts_on, first), least(ends_on, last) + 1, INTERVAL '1 day')) AS day, budgets.*
                  FROM budgets WHERE ends_on IS NOT NULL AND starts_on <= last AND ends_on >= first)
       QUALIFY rank() OVER (PARTITION BY day, quest, period ORDER BY starts_on DESC, ends_on) = 1)
QUALIFY rank() OVER (PARTITION BY day, quest ORDER BY days) = 1
"""


def define(connection: DuckDBPyConnection, ledgers: Mapping[str, Ledger]) -> None:
    """Make the views, with ``budget_periods`` of the configured ledgers, and ``allocated(first, last)``, for this session."""
    periods = [query for ledger, query in _PERIODS.items() if ledger in ledgers]
    budget_periods = " UNION ALL ".join(periods) or f"{_PERIODS['budgets']} WHERE false"
    for name, query in {**VIEWS, "budget_periods": budget_periods}.items():
        connection.execute(f"CREATE OR REPLACE TEMP VIEW {name} AS {query}")
    allocated = _DERIVED if "budgets" in ledgers and "allocations" not in ledgers else _ALLOCATED
    connection.execute(f"CREATE OR REPLACE TEMP MACRO allocated(first, last) AS TABLE {allocated}")
