"""What reports may read of the rollups: these views, and the tables of names. Each says in one sentence what a row is."""

from duckdb import DuckDBPyConnection

from exporter.rollups.running_totals import RUNNING_TOTALS
from exporter.rollups.tasks import LATEST

VIEWS = {
    # Sums of the calls of a day, quest and model. There may be several rows of each, which may add up to no calls.
    "daily_costs": "FROM cost_days",
    # What was billed in an hour of a day, without credits.
    "hourly_costs": "SELECT day, minute // 60 AS hour, sum(positive_usd) AS positive_usd FROM ranges WHERE ledger = 'costs'"
    " GROUP BY ALL",
    # A judged outcome of a task. The outcome with the greatest order is the latest.
    "outcomes": f"SELECT task, quest, layer, title, day, usd, tokens, impact, {LATEST} AS latest FROM impacts"
    " WHERE rejection_reason IS NULL",
    # Sums over all judged tasks of a quest that are wasted for one reason, or not at all (NULL). scored have an impact.
    "quest_outcome_totals": RUNNING_TOTALS["quest_outcomes"].view,
    # Sums of what all judged tasks bring to a provider family.
    "provider_outcome_totals": RUNNING_TOTALS["provider_outcomes"].view,
    # How many tasks called a provider family on a day for the last time.
    "provider_last_days": RUNNING_TOTALS["provider_days"].view,
}


def define(connection: DuckDBPyConnection) -> None:
    """Make the views, for this session."""
    for name, query in VIEWS.items():
        connection.execute(f"CREATE OR REPLACE TEMP VIEW {name} AS {query}")
