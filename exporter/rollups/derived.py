"""What is kept in step with the facts, for the dirty days and tasks only, so that no report has to read all facts."""

from duckdb import DuckDBPyConnection

from exporter.config import ProviderFamily, Waste
from exporter.rollups import running_totals

_COST_DAYS = """
DELETE FROM cost_days WHERE day IN (SELECT day FROM dirty_buckets);
INSERT INTO cost_days
SELECT day, quest, model_key, sum(calls), sum(unpriced), sum(usd), sum(input_tokens), sum(output_tokens)
  FROM costs WHERE day IN (SELECT day FROM dirty_buckets) GROUP BY ALL;
"""
_DIRTY = "task IN (SELECT task FROM dirty_tasks)"
# A ledger may hold a negative number of tokens; a share is never less than nothing.
_TASK_PROVIDERS = f"""
DELETE FROM task_providers WHERE {_DIRTY};
INSERT INTO task_providers
SELECT task, family,
       CASE WHEN sum(usd) OVER of_task > 0 THEN usd::DOUBLE / (sum(usd) OVER of_task)::DOUBLE
            WHEN sum(tokens) OVER of_task > 0 THEN tokens::DOUBLE / (sum(tokens) OVER of_task)::DOUBLE
            ELSE calls::DOUBLE / (sum(calls) OVER of_task)::DOUBLE END, last_day
  FROM (SELECT task, family, sum(positive_usd) AS usd, greatest(sum(input_tokens + output_tokens), 0) AS tokens,
               sum(calls) AS calls, max(day) AS last_day
          FROM costs JOIN models USING (model_key) WHERE {_DIRTY} GROUP BY ALL) AS called
WINDOW of_task AS (PARTITION BY task) ORDER BY task;
"""
_TASK_TOTALS = f"""
DELETE FROM task_totals WHERE {_DIRTY};
INSERT INTO task_totals
SELECT sums.task, latest.quest, latest.layer, latest.title, sums.usd, sums.tokens, sums.impact,
       waste_reason(sums.tokens, sums.impact), efficiency(sums.impact, sums.usd)
  FROM (SELECT task, arg_max(rowid, sort_key) AS row, sum(usd) AS usd, sum(tokens) AS tokens, sum(impact) AS impact
          FROM impacts WHERE {_DIRTY} GROUP BY task) AS sums JOIN impacts AS latest ON latest.rowid = sums.row
 ORDER BY sums.task;
"""
# A share is rounded once per task, to a fixed number of decimals: sums of it then do not depend on their order.
_TASK_CREDITS = f"""
DELETE FROM task_credits WHERE {_DIRTY};
INSERT INTO task_credits
SELECT task, family, impact::DOUBLE * share, CASE WHEN reason IS NULL THEN 0 ELSE usd::DOUBLE * share END
  FROM (SELECT task, coalesce(family, 'unknown') AS family, coalesce(share, 1) AS share, impact, usd, reason
          FROM (FROM task_totals WHERE {_DIRTY}) AS totals
          LEFT JOIN (FROM task_providers WHERE share > 0) AS paid USING (task)) AS shared;
"""


_STEPS = {
    "cost_days": _COST_DAYS,
    "task_providers": _TASK_PROVIDERS,
    "task_totals": _TASK_TOTALS,
    "task_credits": _TASK_CREDITS,
}
_FOLLOWERS = {"costs": ("cost_days", "task_providers"), "impacts": ("task_totals",)}
"""The tables that follow each ledger, but for ``task_credits``, which follows both."""
_ANY_JUDGED = f"FROM task_totals WHERE {_DIRTY} LIMIT 1"


def derive(connection: DuckDBPyConnection, ledger: str) -> None:
    """Bring what is derived from a ledger in step with the days in ``dirty_buckets`` and the tasks in ``dirty_tasks``."""
    for table in _FOLLOWERS[ledger]:
        _derive(connection, table)
    # Most calls are of tasks that nobody has judged yet, which bring nothing to anybody.
    if ledger == "impacts" or connection.execute(_ANY_JUDGED).fetchone():
        _derive(connection, "task_credits")
    connection.execute("INSERT INTO unreported_tasks FROM dirty_tasks")


def _derive(connection: DuckDBPyConnection, table: str) -> None:
    connection.execute(running_totals.before(table))
    connection.execute(_STEPS[table])
    connection.execute(running_totals.after(table))


def mark_all_dirty(connection: DuckDBPyConnection) -> None:
    """Put all days in ``dirty_buckets`` and all tasks in ``dirty_tasks``, after a first build or a change of the rules."""
    connection.execute("CREATE OR REPLACE TEMP TABLE dirty_tasks AS SELECT task FROM tasks")
    connection.execute("CREATE OR REPLACE TEMP TABLE dirty_buckets AS SELECT day FROM cost_days UNION SELECT day FROM costs")


def forget_unreported(connection: DuckDBPyConnection) -> None:
    """Begin ``unreported_tasks`` again, in a new table: rows that are deleted from a temporary one would stay in the way."""
    connection.execute("CREATE OR REPLACE TEMP TABLE unreported_tasks (task INTEGER)")


def define(connection: DuckDBPyConnection, waste: Waste) -> None:
    """Define when a task is wasted, and why (``unscored``, ``low_impact``), and how efficient it is; NULL when it is not.

    Also make ``unreported_tasks``: tasks whose facts changed since the last report. Efficiency is rounded to 13 digits,
    because the same ratio of other amounts may differ in the last bits, and is a tie.
    """
    forget_unreported(connection)
    connection.execute(
        "CREATE OR REPLACE TEMP MACRO ratio(impact, usd) AS impact::DOUBLE / usd::DOUBLE;"
        "CREATE OR REPLACE TEMP MACRO efficiency(impact, usd) AS CASE WHEN usd > 0 AND impact > 0"
        " THEN round(ratio(impact, usd), 12 - floor(log10(ratio(impact, usd)))::INTEGER) END"
    )
    connection.execute(
        "CREATE OR REPLACE TEMP MACRO waste_reason(tokens, impact) AS CASE"
        f" WHEN tokens <= {waste.min_tokens:d} THEN NULL WHEN impact IS NULL THEN 'unscored'"
        f" WHEN impact <= {waste.max_impact:f} THEN 'low_impact' END"
    )


def assign_families(connection: DuckDBPyConnection, families: tuple[ProviderFamily, ...]) -> None:
    """Name the provider family of every model that has none yet: by its provider first, else by its model."""
    tries = [
        (name, column, pattern)
        for column in ("provider", "model")
        for name, patterns in _rules(families)
        for pattern in patterns
    ]
    cases = " ".join(f"WHEN regexp_matches({column}, ?, 'i') THEN ?" for _, column, _ in tries)
    connection.execute(
        f"UPDATE models SET family = CASE {cases} WHEN provider = '' THEN 'unknown' ELSE provider END WHERE family IS NULL",
        [value for name, _, pattern in tries for value in (pattern, name)],
    )


def _rules(families: tuple[ProviderFamily, ...]) -> list[tuple[str, tuple[str, ...]]]:
    return [(family.name, family.patterns) for family in families]
