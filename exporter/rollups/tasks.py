"""What is derived from calls and outcomes by task, for the dirty tasks only, so that no report has to read all of them."""

from collections.abc import Iterable
from dataclasses import dataclass

from duckdb import DuckDBPyConnection

from exporter.columns import DECIMAL
from exporter.config import ProviderFamily, Waste
from exporter.rollups.running_totals import Growth

DIRTY = "task IN (SELECT task FROM dirty_tasks)"
SLICE = 100_000
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
            ELSE entries::DOUBLE / (sum(entries) OVER of_task)::DOUBLE END AS share, last_day
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
SELECT task, quest, layer, title, usd, tokens, impact, waste_reason(tokens, impact) AS reason,
       efficiency(impact, usd) AS efficiency, own_usd, own_tokens, own_quest
  FROM totals ORDER BY task
"""
# Of the rows that are derived again, those that there were, and those that there are now: what running totals need of them.
_DIFFERENCE = "FROM before UNION ALL SELECT 1 AS sign, {columns} FROM after"
# What tasks bring to each provider, by its share in them. A share is rounded once per task, to a fixed number of decimals: sums
# of it then do not depend on their order.
_CREDITS = f"""
SELECT sign, task, family, (impact::DOUBLE * share)::{DECIMAL} AS impact,
       (CASE WHEN reason IS NULL THEN 0 ELSE usd::DOUBLE * share END)::{DECIMAL} AS wasted_usd
  FROM (SELECT sign, task, coalesce(family, 'unknown') AS family, coalesce(share, 1) AS share, impact, usd, reason
          FROM {{shared}})
"""
_PAID = "(FROM task_providers WHERE share > 0 AND {which}) AS paid"
_TOTALS = "SELECT 1 AS sign, * FROM task_totals WHERE {which}"
ROWS = {
    "provider_days": "SELECT 1 AS sign, * FROM task_providers WHERE {which}",
    "quest_outcomes": _TOTALS,
    "provider_outcomes": _CREDITS.format(shared=f"({_TOTALS}) AS totals LEFT JOIN {_PAID} USING (task)"),
}
"""What each running total over tasks adds up, of some tasks."""
RANKED = {"efficiency": "efficiency", "tokens": "reason"}
"""The columns of ``task_totals`` by which tasks are ranked, each with the column that is NULL for those that are not."""


@dataclass(frozen=True, slots=True)
class _Derived:
    """A table with rows of each task, computed by ``query``, and the running total over them, which needs the ``columns``.

    ``shared`` are the judged tasks of before and after, each with the providers that have a share in it.
    """

    query: str
    total: str
    columns: str
    shared: str

    @property
    def difference(self) -> str:
        """What there was, with the sign -1, and what there is now."""
        return _DIFFERENCE.format(columns=self.columns)


_DERIVED = {
    "task_providers": _Derived(
        _TASK_PROVIDERS,
        "provider_days",
        "task, family, share, last_day",
        # Signs first: a task without any share before, or after, is one that nobody is known to have a share in.
        "(FROM task_totals WHERE {which}) AS totals CROSS JOIN (VALUES (-1), (1)) AS signs (sign)"
        " LEFT JOIN (FROM ({difference}) WHERE share > 0) AS paid USING (sign, task)",
    ),
    "task_totals": _Derived(
        _TASK_TOTALS,
        "quest_outcomes",
        "task, quest, reason, usd, tokens, impact",
        f"({{difference}}) AS totals LEFT JOIN {_PAID} USING (task)",
    ),
}


def derive(connection: DuckDBPyConnection, growth: Growth, table: str, *, credited: bool = True) -> None:
    """Compute the rows of the tasks in ``dirty_tasks`` again, and bring the totals over them in step.

    ``credited`` is whether any of them were judged, so that they bring something to providers.
    """
    derived, rows = _DERIVED[table], f"{table} WHERE {DIRTY}"
    connection.execute(f"CREATE OR REPLACE TEMP TABLE before AS SELECT -1 AS sign, {derived.columns} FROM {rows}")
    connection.execute(f"DELETE FROM {rows}")
    connection.execute(f"CREATE OR REPLACE TEMP TABLE after AS {derived.query.format(which=DIRTY, latest=LATEST)}")
    connection.execute(f"INSERT INTO {table} FROM after")
    growth.append(connection, derived.total, derived.difference)
    if credited:
        shared = derived.shared.format(which=DIRTY, difference=derived.difference)
        growth.append(connection, "provider_outcomes", _CREDITS.format(shared=shared))


def derive_all(connection: DuckDBPyConnection, growth: Growth, tables: Iterable[str] = tuple(_DERIVED)) -> None:
    """Compute the rows of all tasks again, after a first build or a change of the rules; but for compacted tasks.

    What is derived from those cannot be computed before their months have been read again.
    """
    [(first, last)] = connection.execute("SELECT coalesce(min(task), 0), coalesce(max(task), 0) FROM tasks").fetchall()
    for low in range(first, last + 1, SLICE):
        tasks = f"task BETWEEN {low} AND {low + SLICE - 1}"
        open_tasks = f"{tasks} AND task NOT IN (SELECT task FROM tasks WHERE {tasks} AND month NOT NULL)"
        for table in tables:
            _derive_slice(connection, growth, table, open_tasks)
            growth.begin()  # nobody asks for the rows of each slice


def _derive_slice(connection: DuckDBPyConnection, growth: Growth, table: str, which: str) -> None:
    """As :func:`derive`, for tasks that are too many to be kept aside."""
    derived = _DERIVED[table]
    totals = {name: ROWS[name].format(which=which) for name in (derived.total, "provider_outcomes")}
    for name, rows in totals.items():
        growth.append(connection, name, f"SELECT * REPLACE (-1 AS sign) FROM ({rows})")
    connection.execute(f"DELETE FROM {table} WHERE {which}")
    connection.execute(f"INSERT INTO {table} {derived.query.format(which=which, latest=LATEST)}")
    for name, rows in totals.items():
        growth.append(connection, name, rows)


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
