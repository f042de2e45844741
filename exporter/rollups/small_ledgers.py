"""The ledgers without timed entries: allocations, replaced day by day; budgets and quests, replaced as a whole."""

from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import Path

from duckdb import DuckDBPyConnection

from exporter.rollups import staging

# What is known of the allocations of a day is a range of the whole day, whose checksum is given.
_ALLOCATIONS = """
INSERT INTO allocations
SELECT day, quest, sum(allocated_usd), sum(spent_usd)
  FROM staged JOIN quests ON quests.quest_id = coalesce(staged.quest_id, 'unassigned')
 WHERE rejection_reason IS NULL GROUP BY ALL
"""
# Two ids may be one here, where a long one was shortened to what another one is: without a choice, sums would double.
_NAMES = """
INSERT INTO names
SELECT DISTINCT ON (quest) quest, clean(name) AS name, clean(layer) AS layer
  FROM staged JOIN quests USING (quest_id) WHERE rejection_reason IS NULL ORDER BY quest, staged.name, staged.layer
"""
# A period is called what its days are.
_BUDGETS = """
INSERT INTO budgets
SELECT quest, CASE WHEN period IS NOT NULL AND clean(period) <> '' THEN clean(period)
                   WHEN ends_on IS NULL THEN 'open'
                   WHEN ends_on = starts_on THEN 'day'
                   WHEN isodow(starts_on) = 1 AND after = starts_on + 7 THEN 'week'
                   WHEN starts_on = date_trunc('month', starts_on) AND after = starts_on + INTERVAL '1 month' THEN 'month'
                   WHEN starts_on = date_trunc('quarter', starts_on) AND after = starts_on + INTERVAL '3 months' THEN 'quarter'
                   WHEN starts_on = date_trunc('year', starts_on) AND after = starts_on + INTERVAL '1 year' THEN 'year'
                   ELSE (ends_on - starts_on + 1) || 'd' END AS name, sum(budget_usd), starts_on, ends_on
  FROM (SELECT *, ends_on + 1 AS after FROM staged) AS staged
  JOIN quests ON quests.quest_id = coalesce(staged.quest_id, 'unassigned')
 WHERE rejection_reason IS NULL AND budget_usd IS NOT NULL GROUP BY ALL
"""
_REJECTED = """
INSERT INTO rejected SELECT $ledger, {day}, {minute}, rejection_reason, sum(entries) FROM staged
 WHERE rejection_reason IS NOT NULL GROUP BY ALL
"""


_WHOLE = {"budgets": ("budgets", _BUDGETS), "quests": ("names", _NAMES)}
"""The table of each ledger that is replaced as a whole, and how it is filled."""


def replace_allocations(connection: DuckDBPyConnection, files: Sequence[Path], days: Iterable[tuple[date, int, int]]) -> None:
    """Replace the allocations of some days, each given with its count of rows and their checksum, by the rows of files."""
    rows = list(days)
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE read_days AS SELECT unnest($day::DATE[]) AS day, unnest($entries::HUGEINT[]) AS entries,"
        " unnest($checksum::HUGEINT[]) AS checksum",
        {name: [row[at] for row in rows] for at, name in enumerate(("day", "entries", "checksum"))},
    )
    connection.execute("DELETE FROM allocations WHERE day IN (SELECT day FROM read_days)")
    for table in ("ranges", "rejected"):
        connection.execute(f"DELETE FROM {table} WHERE ledger = 'allocations' AND day IN (SELECT day FROM read_days)")
    connection.execute(
        "INSERT INTO ranges (ledger, day, minute, minutes, entries, checksum, keys, positive_usd)"
        " SELECT 'allocations', day, 0, 1440, entries, checksum, 0, 0 FROM read_days WHERE entries > 0"
    )
    if files:
        staging.stage_rows(connection, "allocations", files)
        connection.execute(_ALLOCATIONS)
        connection.execute(_REJECTED.format(day="day", minute=0), {"ledger": "allocations"})


def replace_all(connection: DuckDBPyConnection, ledger: str, file: Path) -> None:
    """Put the rows of a file in the place of all budgets, or of all names and layers of quests."""
    table, insert = _WHOLE[ledger]
    staging.stage_rows(connection, ledger, [file])
    connection.execute(f"DELETE FROM {table}")
    connection.execute(insert)
    connection.execute("DELETE FROM rejected WHERE ledger = ?", [ledger])
    connection.execute(_REJECTED.format(day="NULL", minute="NULL"), {"ledger": ledger})
