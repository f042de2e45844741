"""Replacing the facts of a ledger of timed entries.

All of this runs inside one transaction of the rollup file, over the temporary tables that :mod:`exporter.rollups.staging`
has filled: ``staged``, ``fresh``, ``replaced`` and ``changed``.
"""

from collections.abc import Mapping
from datetime import date

from duckdb import DuckDBPyConnection

_BUCKET = "f.day = c.day AND (c.hour IS NULL OR f.hour = c.hour)"

_NEW_NAMES = """
INSERT INTO tasks SELECT nextval('keys'), task_id
  FROM (SELECT DISTINCT task_id FROM staged WHERE task_id IS NOT NULL) ANTI JOIN tasks USING (task_id);
INSERT INTO quests SELECT nextval('keys'), quest_id
  FROM (SELECT DISTINCT coalesce(quest_id, 'unassigned') AS quest_id FROM staged WHERE flaw IS NULL)
  ANTI JOIN quests USING (quest_id);
"""
_NEW_MODELS = """
INSERT INTO models SELECT nextval('keys'), provider, model, NULL
  FROM (SELECT DISTINCT clean(provider) AS provider, clean(model) AS model FROM staged WHERE flaw IS NULL)
  ANTI JOIN models USING (provider, model);
"""
_INSERT = {
    "costs": f"""
INSERT INTO costs
SELECT f.day, c.hour, t.task, q.quest, m.pair,
       sum(calls), sum(unpriced), sum(usd), sum(positive_usd), sum(input_tokens), sum(output_tokens)
  FROM staged AS f JOIN changed AS c ON {_BUCKET}
  LEFT JOIN tasks AS t ON t.task_id = f.task_id
  JOIN quests AS q ON q.quest_id = coalesce(f.quest_id, 'unassigned')
  JOIN models AS m ON m.provider = clean(f.provider) AND m.model = clean(f.model)
 WHERE flaw IS NULL GROUP BY ALL
""",
    "impacts": f"""
INSERT INTO impacts
SELECT f.day, c.hour, t.task, q.quest, clean(layer), clean(title), max(stamp),
       sum(judged), sum(usd), sum(tokens), sum(impact)
  FROM staged AS f JOIN changed AS c ON {_BUCKET}
  JOIN tasks AS t ON t.task_id = f.task_id
  JOIN quests AS q ON q.quest_id = coalesce(f.quest_id, 'unassigned')
 WHERE flaw IS NULL GROUP BY ALL
""",
}
_FOLDED = {
    "costs": "day, NULL, task, quest, pair, sum(calls), sum(unpriced), sum(usd), sum(positive_usd),"
    " sum(input_tokens), sum(output_tokens)",
    "impacts": "day, NULL, task, quest, layer, title, max(stamp), sum(judged), sum(usd), sum(tokens), sum(impact)",
}


def replace(connection: DuckDBPyConnection, ledger: str) -> None:
    """Put what is staged in the place of the changed buckets, and list the tasks that this touches in ``touched``."""
    connection.execute(_NEW_NAMES + (_NEW_MODELS if ledger == "costs" else ""))
    _touch(connection, ledger)
    connection.execute(f"DELETE FROM {ledger} AS f USING changed AS c WHERE {_BUCKET}")
    connection.execute(_INSERT[ledger])
    _remember(connection, ledger)


def fold(connection: DuckDBPyConnection, ledger: str, before: date) -> None:
    """Turn the hours of days that have settled into one bucket a day."""
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE folded AS SELECT {_FOLDED[ledger]} FROM {ledger}"
        " WHERE day < $before AND hour IS NOT NULL GROUP BY ALL",
        {"before": before},
    )
    if connection.execute("SELECT count(*) FROM folded").fetchall()[0][0]:
        connection.execute(f"DELETE FROM {ledger} WHERE day < $before AND hour IS NOT NULL", {"before": before})
        connection.execute(f"INSERT INTO {ledger} SELECT * FROM folded")


def untimed(connection: DuckDBPyConnection, ledger: str, entries: Mapping[str, int]) -> None:
    """Remember how many entries no day can hold, by reason."""
    connection.execute("DELETE FROM rejected WHERE ledger = ? AND day IS NULL", [ledger])
    for flaw, count in entries.items():
        connection.execute("INSERT INTO rejected VALUES (?, NULL, NULL, ?, ?)", [ledger, flaw, count])


def forget(connection: DuckDBPyConnection, ledger: str) -> None:
    """Drop all facts of a ledger, because its source is another one now."""
    connection.execute(f"DELETE FROM {ledger}")
    connection.execute("DELETE FROM hours WHERE ledger = ?", [ledger])
    connection.execute("DELETE FROM rejected WHERE ledger = ?", [ledger])


def _touch(connection: DuckDBPyConnection, ledger: str) -> None:
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE touched AS"
        f" SELECT f.task FROM {ledger} AS f JOIN changed AS c ON {_BUCKET} WHERE task IS NOT NULL"
        f" UNION SELECT task FROM staged AS f JOIN changed AS c ON {_BUCKET} JOIN tasks USING (task_id) WHERE flaw IS NULL"
    )


def _remember(connection: DuckDBPyConnection, ledger: str) -> None:
    """Keep count and fingerprint of each changed hour, and of what was rejected in it."""
    for table in ("hours", "rejected"):
        connection.execute(f"DELETE FROM {table} AS f USING changed AS c WHERE f.ledger = ? AND {_BUCKET}", [ledger])
    connection.execute(
        f"INSERT INTO hours SELECT ?, f.* FROM fresh AS f JOIN changed AS c ON {_BUCKET}",
        [ledger],
    )
    connection.execute(
        "INSERT INTO rejected SELECT ?, f.day, f.hour, flaw, sum(entries)"
        f" FROM staged AS f JOIN changed AS c ON {_BUCKET} WHERE flaw IS NOT NULL GROUP BY ALL",
        [ledger],
    )
