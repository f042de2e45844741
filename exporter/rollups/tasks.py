"""What is derived from calls and outcomes by task, for the dirty tasks only, so that no report has to read all of them."""

from collections.abc import Iterable

from duckdb import DuckDBPyConnection

from exporter.columns import DECIMAL
from exporter.config import ProviderFamily, Waste
from exporter.rollups.running_totals import Growth

DIRTY = "task IN (SELECT task FROM dirty_tasks)"
SLICE = 250_000
"""Tasks that are derived at a time where all are, so that they fit into memory."""
LATEST = (
    "strftime(occurred_at, '%Y%m%d%H%M%S%f') || coalesce(name, lpad((key::HUGEINT + 9223372036854775808)::VARCHAR, 20, '0'))"
)
"""The order of a task's outcomes, by (occurred_at, entry_id): the last one says what the task is."""
# A ledger may hold a negative number of tokens; a share is never less than nothing.
_TASK_PROVIDERS = """
SELECT task, family,
       CASE WHEN sum(usd) OVER of_task > 0 THEN usd::DOUBLE / (sum(usd) OVER of_task)::DOUBLE
            WHEN sum(tokens) OVER of_task > 0 THEN tokens::DOUBLE / (sum(tokens) OVER of_task)::DOUBLE
            WHEN sum(calls) OVER of_task > 0 THEN calls::DOUBLE / (sum(calls) OVER of_task)::DOUBLE
            ELSE entries::DOUBLE / (sum(entries) OVER of_task)::DOUBLE END, last_day
  FROM (SELECT task, family, sum(usd - credit_usd) AS usd, greatest(sum(input_tokens + output_tokens), 0) AS tokens,
               sum(greatest(calls, 0)) AS calls, sum(entries) AS entries, max(day) AS last_day
          FROM costs JOIN models USING (model_key) WHERE {which} GROUP BY ALL) AS called
WINDOW of_task AS (PARTITION BY task) ORDER BY task
"""
# What no outcome of a task tells is taken from its calls: all of them, and the quest for which most was spent. That the empty
# quest is told is known by its name, for entries without a quest have the same.
_TASK_TOTALS = """
WITH judged AS (
    SELECT sums.* EXCLUDE (latest), unnest(latest), coalesce(quest_id <> 'unassigned', false) AS own_quest
      FROM (SELECT task, arg_max({{'quest': quest, 'layer': layer, 'title': title}}, {latest}) AS latest, sum(usd) AS usd,
                   sum(tokens) AS tokens, sum(impact) AS impact
              FROM impacts WHERE rejection_reason IS NULL AND {which} GROUP BY task) AS sums
      LEFT JOIN quests ON quests.quest = latest.quest
), called AS (
    SELECT task, sum(usd) AS usd, sum(tokens) AS tokens,
           first(quest ORDER BY quest_id = 'unassigned', usd DESC, quest_id) AS quest
      FROM (SELECT task, quest, sum(usd) AS usd, sum(input_tokens + output_tokens) AS tokens
              FROM costs WHERE task IN (SELECT task FROM judged WHERE usd IS NULL OR tokens IS NULL OR NOT own_quest)
             GROUP BY ALL)
      JOIN quests USING (quest) GROUP BY task
), totals AS (
    SELECT task, CASE WHEN own_quest THEN judged.quest ELSE coalesce(called.quest, judged.quest) END AS quest, layer, title,
           coalesce(judged.usd, called.usd, 0) AS usd, coalesce(judged.tokens, called.tokens, 0) AS tokens, impact,
           judged.usd IS NOT NULL AS own_usd, judged.tokens IS NOT NULL AS own_tokens, own_quest
      FROM judged LEFT JOIN called USING (task)
)
SELECT task, quest, layer, title, usd, tokens, impact, waste_reason(tokens, impact), efficiency(impact, usd),
       own_usd, own_tokens, own_quest
  FROM totals ORDER BY task
"""
# What tasks bring to each provider, by its share in them. A share is rounded once per task, to a fixed number of decimals: sums
# of it then do not depend on their order.
_CREDITS = f"""
SELECT task, family, (impact::DOUBLE * share)::{DECIMAL} AS impact,
       (CASE WHEN reason IS NULL THEN 0 ELSE usd::DOUBLE * share END)::{DECIMAL} AS wasted_usd
  FROM (SELECT task, coalesce(family, 'unknown') AS family, coalesce(share, 1) AS share, impact, usd, reason
          FROM (FROM task_totals WHERE {{which}}) AS totals
          LEFT JOIN (FROM task_providers WHERE share > 0 AND {{which}}) AS paid USING (task)) AS shared
"""
ROWS = {
    "provider_days": "FROM task_providers WHERE {which}",
    "quest_outcomes": "FROM task_totals WHERE {which}",
    "provider_outcomes": _CREDITS,
}
"""What each running total over tasks adds up, of some tasks."""
RANKED = {"efficiency": "efficiency", "tokens": "reason"}
"""The columns of ``task_totals`` by which tasks are ranked, each with the column that is NULL for those that are not."""
_DERIVED = {"task_providers": (_TASK_PROVIDERS, "provider_days"), "task_totals": (_TASK_TOTALS, "quest_outcomes")}
"""How the rows of each table are computed, and the running total over them."""


def derive(connection: DuckDBPyConnection, growth: Growth, table: str, which: str = DIRTY, *, credited: bool = True) -> None:
    """Compute the rows of some tasks again, by default those in ``dirty_tasks``, and bring the totals over them in step.

    ``credited`` is whether any of the tasks were judged, so that they bring something to providers.
    """
    query, total = _DERIVED[table]
    rows, brought = (ROWS[name].format(which=which) for name in (total, "provider_outcomes"))
    if credited:
        growth.append(connection, "provider_outcomes", brought, "-")
    growth.append(connection, total, rows, "-")
    connection.execute(f"DELETE {rows}")
    connection.execute(f"INSERT INTO {table} {query.format(which=which, latest=LATEST)}")
    growth.append(connection, total, rows)
    if credited:
        growth.append(connection, "provider_outcomes", brought)


def derive_all(connection: DuckDBPyConnection, growth: Growth, tables: Iterable[str] = tuple(_DERIVED)) -> None:
    """Compute the rows of all tasks again, after a first build or a change of the rules; but for compacted tasks.

    What is derived from those cannot be computed before their months have been read again.
    """
    [(first, last)] = connection.execute("SELECT coalesce(min(task), 0), coalesce(max(task), 0) FROM tasks").fetchall()
    for low in range(first, last + 1, SLICE):
        tasks = f"task BETWEEN {low} AND {low + SLICE - 1}"
        for table in tables:
            derive(
                connection, growth, table, f"{tasks} AND task NOT IN (SELECT task FROM tasks WHERE {tasks} AND month NOT NULL)"
            )
            growth.begin()  # nobody asks for the rows of each slice


def dirty(connection: DuckDBPyConnection) -> list[int]:
    """The tasks in ``dirty_tasks``."""
    return [task for (task,) in connection.execute("FROM dirty_tasks").fetchall()]


def define(connection: DuckDBPyConnection, waste: Waste) -> None:
    """Define when a task is wasted, and why (``unscored``, ``low_impact``), and how efficient it is; NULL when it is not.

    Efficiency is rounded to 13 digits, because the same ratio of other amounts may differ in the last bits, and is a tie.
    """
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
    """Name the provider family of every model that has none yet: by its provider first, else by its model.

    A pattern never matches the digest of a name that was cut.
    """
    if not connection.execute("FROM models WHERE family IS NULL LIMIT 1").fetchone():
        return
    tries = [
        (family.name, column, pattern)
        for general in (False, True)
        for column in ("provider", "model")
        for family in families
        if family.general is general
        for pattern in family.patterns
    ]
    cases = " ".join(f"WHEN regexp_matches(bare.{column}, ?, 'i') THEN ?" for _, column, _ in tries)
    connection.execute(
        f"UPDATE models SET family = CASE {cases} WHEN models.provider = '' THEN 'unknown' ELSE models.provider END"
        " FROM (SELECT model_key, without_digest(provider) AS provider, without_digest(model) AS model"
        " FROM models WHERE family IS NULL) AS bare WHERE bare.model_key = models.model_key",
        [value for name, _, pattern in tries for value in (pattern, name)],
    )
