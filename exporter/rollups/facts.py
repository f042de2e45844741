"""Replacing the facts of a ledger of timed entries.

All of this runs inside one transaction of the rollup file, over the temporary tables that :mod:`exporter.rollups.staging`
has filled: ``staged``, ``fresh``, ``replaced`` and ``dirty_buckets``. ``news`` is what is staged of the dirty buckets.
"""

from collections.abc import Mapping
from datetime import date

from duckdb import DuckDBPyConnection

_BUCKET = "f.day = c.day AND (c.bucket IS NULL OR f.hour = c.bucket)"
_NEWS = """
CREATE OR REPLACE TEMP VIEW news AS
FROM staged SEMI JOIN dirty_buckets AS d ON d.day = staged.day AND d.bucket IS NOT DISTINCT FROM staged.bucket
"""
_ALL_NEWS = "CREATE OR REPLACE TEMP VIEW news AS FROM staged"

# Entries are summed up by numbers, not by names. These tables remember the names that were looked up the last time, which are
# nearly all in an hour that is read again: to look among all tasks takes longer than the rest.
_REMEMBERED = """
CREATE TEMP TABLE costs_tasks (task_id VARCHAR, task INTEGER);
CREATE TEMP TABLE impacts_tasks (task_id VARCHAR, task INTEGER);
CREATE TEMP TABLE model_keys (provider VARCHAR, model VARCHAR, model_key INTEGER);
"""
_UNSEEN_TASKS = """
CREATE OR REPLACE TEMP TABLE unseen AS
SELECT DISTINCT task_id FROM news ANTI JOIN {ledger}_tasks USING (task_id) WHERE task_id IS NOT NULL
"""
_TASK_KEYS = """
CREATE OR REPLACE TEMP TABLE found AS
SELECT task_id, coalesce(task, nextval('keys'))::INTEGER AS task, task IS NULL AS is_new
  FROM unseen LEFT JOIN tasks USING (task_id);
INSERT INTO tasks SELECT task, task_id FROM found WHERE is_new;
CREATE OR REPLACE TEMP TABLE {ledger}_tasks AS
SELECT task_id, task FROM {ledger}_tasks SEMI JOIN news USING (task_id) UNION ALL SELECT task_id, task FROM found;
"""
_UNSEEN_MODELS = """
CREATE OR REPLACE TEMP TABLE unseen AS
SELECT DISTINCT provider, model, clean(provider) AS clean_provider, clean(model) AS clean_model
  FROM news ANTI JOIN model_keys AS known
    ON known.provider IS NOT DISTINCT FROM news.provider AND known.model IS NOT DISTINCT FROM news.model
 WHERE rejection_reason IS NULL
"""
_MODEL_KEYS = """
INSERT INTO models SELECT nextval('keys'), clean_provider, clean_model, NULL
  FROM (SELECT DISTINCT clean_provider, clean_model FROM unseen)
  ANTI JOIN models ON models.provider = clean_provider AND models.model = clean_model;
INSERT INTO model_keys SELECT unseen.provider, unseen.model, model_key
  FROM unseen JOIN models ON models.provider = clean_provider AND models.model = clean_model;
"""
_QUEST_KEYS = """
INSERT INTO quests SELECT nextval('keys'), quest_id
  FROM (SELECT DISTINCT coalesce(quest_id, 'unassigned') AS quest_id FROM news WHERE rejection_reason IS NULL)
  ANTI JOIN quests USING (quest_id)
"""
# The key sorts as (occurred_at, entry_id) do.
_SORT_KEY = (
    "strftime(occurred_at, '%Y%m%d%H%M%S%f') || coalesce(lpad((number + 9223372036854775808)::VARCHAR, 20, '0'), name, '')"
)
_FACTS = {
    "costs": """
SELECT day, bucket, task, quest, model_key, count(*), count(*) - count(usd), coalesce(sum(usd), 0),
       coalesce(sum(usd) FILTER (usd > 0), 0), round(coalesce(sum(input_tokens), 0))::HUGEINT,
       round(coalesce(sum(output_tokens), 0))::HUGEINT
  FROM news LEFT JOIN costs_tasks USING (task_id)
  JOIN quests AS q ON q.quest_id = coalesce(news.quest_id, 'unassigned')
  JOIN model_keys AS m ON m.provider IS NOT DISTINCT FROM news.provider AND m.model IS NOT DISTINCT FROM news.model
 WHERE rejection_reason IS NULL GROUP BY ALL
""",
    "impacts": f"""
SELECT day, bucket, task, quest, clean(layer), clean(title), max({_SORT_KEY}),
       count(*), coalesce(sum(usd), 0), round(coalesce(sum(tokens), 0))::HUGEINT, sum(impact)
  FROM news JOIN impacts_tasks USING (task_id)
  JOIN quests AS q ON q.quest_id = coalesce(news.quest_id, 'unassigned')
 WHERE rejection_reason IS NULL GROUP BY ALL
""",
}
# Of an hour that is read again, most tasks are what they were: a new call is of one of them.
_DIFFERENT = f"""
CREATE OR REPLACE TEMP TABLE dirty_tasks AS
WITH known AS (
    SELECT f.* FROM {{ledger}} AS f JOIN dirty_buckets AS c ON {_BUCKET}
)
SELECT DISTINCT task FROM ((FROM known EXCEPT FROM facts) UNION ALL (FROM facts EXCEPT FROM known)) WHERE task IS NOT NULL
"""
# In a first build an hour may be read in several batches.
_MERGED = """
CREATE OR REPLACE TEMP TABLE merged AS
SELECT day, hour, sum(entries) AS entries, sum(checksum) AS checksum, sum(positive_usd) AS positive_usd, min(low) AS low,
       max(high) AS high, max(newest) AS newest, list_distinct(flatten(list(ahead))) AS ahead
  FROM (FROM fresh UNION ALL
        SELECT hours.* EXCLUDE (ledger) FROM hours SEMI JOIN fresh USING (day, hour) WHERE ledger = $ledger)
 GROUP BY day, hour
"""
_COMPACTED = {
    "costs": "day, NULL, task, quest, model_key, sum(calls), sum(unpriced), sum(usd), sum(positive_usd),"
    " sum(input_tokens), sum(output_tokens)",
    "impacts": "day, NULL, task, quest, layer, title, max(sort_key), sum(judged), sum(usd), sum(tokens), sum(impact)",
}

# Of a day that has settled, nothing is ahead any more.
_HAPPENED = """
UPDATE hours SET newest = greatest(newest, list_max(ahead)), ahead = NULL
 WHERE ledger = $ledger AND day < $before AND ahead IS NOT NULL
"""


def define(connection: DuckDBPyConnection) -> None:
    """Make the tables that remember numbers; they go with the connection."""
    connection.execute(_REMEMBERED)


def replace(connection: DuckDBPyConnection, ledger: str) -> None:
    """Replace the dirty buckets by what is staged, and list the tasks whose facts differ in ``dirty_tasks``."""
    connection.execute(_NEWS)
    _number(connection, ledger)
    connection.execute(f"CREATE OR REPLACE TEMP TABLE facts AS {_FACTS[ledger]}")
    connection.execute(_DIFFERENT.format(ledger=ledger))
    for table in (ledger, "hours", "rejected"):
        whose = "TRUE" if table == ledger else f"f.ledger = '{ledger}'"
        connection.execute(f"DELETE FROM {table} AS f USING dirty_buckets AS c WHERE {whose} AND {_BUCKET}")
    _insert(connection, ledger, "FROM facts", f"SELECT f.* FROM fresh AS f JOIN dirty_buckets AS c ON {_BUCKET}")


def add(connection: DuckDBPyConnection, ledger: str) -> None:
    """Take in what is staged, beside what is known already of the same hours."""
    connection.execute(_ALL_NEWS)
    _number(connection, ledger)
    connection.execute(_MERGED, {"ledger": ledger})
    connection.execute(
        "DELETE FROM hours USING merged AS m WHERE ledger = ? AND (hours.day, hours.hour) = (m.day, m.hour)", [ledger]
    )
    _insert(connection, ledger, _FACTS[ledger], "FROM merged")


def compact(connection: DuckDBPyConnection, ledger: str, before: date) -> None:
    """Turn the hours of days that have settled into one bucket a day."""
    connection.execute(_HAPPENED, {"ledger": ledger, "before": before})
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE compacted AS SELECT {_COMPACTED[ledger]} FROM {ledger}"
        " WHERE day < $before AND hour IS NOT NULL GROUP BY ALL",
        {"before": before},
    )
    if connection.execute("SELECT count(*) FROM compacted").fetchall()[0][0]:
        connection.execute(f"DELETE FROM {ledger} WHERE day < $before AND hour IS NOT NULL", {"before": before})
        connection.execute(f"INSERT INTO {ledger} SELECT * FROM compacted")


def untimed(connection: DuckDBPyConnection, ledger: str, entries: Mapping[str, int]) -> None:
    """Remember how many entries no day can hold, by reason."""
    connection.execute("DELETE FROM rejected WHERE ledger = ? AND day IS NULL", [ledger])
    for rejection_reason, count in entries.items():
        connection.execute("INSERT INTO rejected VALUES (?, NULL, NULL, ?, ?)", [ledger, rejection_reason, count])


def forget(connection: DuckDBPyConnection, ledger: str) -> None:
    """Drop all facts of a ledger, because its source is another one now."""
    connection.execute(f"DELETE FROM {ledger}")
    connection.execute("DELETE FROM hours WHERE ledger = ?", [ledger])
    connection.execute("DELETE FROM rejected WHERE ledger = ?", [ledger])


def _number(connection: DuckDBPyConnection, ledger: str) -> None:
    """Give every name in ``news`` a number, and remember it."""
    connection.execute(_QUEST_KEYS)
    _number_unseen(connection, _UNSEEN_TASKS.format(ledger=ledger), _TASK_KEYS.format(ledger=ledger))
    if ledger == "costs":
        _number_unseen(connection, _UNSEEN_MODELS, _MODEL_KEYS)


def _number_unseen(connection: DuckDBPyConnection, unseen: str, keys: str) -> None:
    connection.execute(unseen)
    if connection.execute("FROM unseen LIMIT 1").fetchone():
        connection.execute(keys)


def _insert(connection: DuckDBPyConnection, ledger: str, facts: str, hours: str) -> None:
    """Insert the news: their facts, what is to be remembered of each hour, and what was rejected in it."""
    connection.execute(f"INSERT INTO {ledger} {facts}")
    connection.execute(f"INSERT INTO hours SELECT ?, * FROM ({hours})", [ledger])
    connection.execute(
        "INSERT INTO rejected SELECT ?, day, hour, rejection_reason, count(*) FROM news"
        " WHERE rejection_reason IS NOT NULL GROUP BY ALL",
        [ledger],
    )
