"""Sums over large tables, so that a report need not read a million rows: what the dirty ones gained and lost is added.

The sums are of whole numbers and decimals, and exact: nothing drifts, however often something is added and taken away.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RunningTotal:
    """A table of sums; its columns are those of ``keys`` and then of ``sums``, each with the expression that it is.

    The first of the sums counts rows: what no row is left of is dropped. ``dirty_tasks`` says which rows are about to change.
    """

    table: str
    keys: Mapping[str, str]
    sums: Mapping[str, str]
    dirty_tasks: str = "task IN (SELECT task FROM dirty_tasks)"


COSTS = ("calls", "unpriced", "usd", "input_tokens", "output_tokens")
RUNNING_TOTALS = {
    "task_totals": RunningTotal(
        "quest_outcomes",
        keys={"quest": "quest", "reason": "reason"},
        sums={
            "tasks": "count(*)",
            "scored": "count(impact)",
            "usd": "sum(usd)",
            "tokens": "sum(tokens)",
            "impact": "coalesce(sum(impact), 0)",
        },
    ),
    "task_credits": RunningTotal(
        "provider_outcomes",
        keys={"family": "family"},
        sums={
            "tasks": "count(*)",
            "scored": "count(impact)",
            "impact": "coalesce(sum(impact), 0)",
            "wasted_usd": "sum(wasted_usd)",
        },
    ),
    "task_providers": RunningTotal("provider_days", keys={"family": "family", "day": "last_day"}, sums={"tasks": "count(*)"}),
    "cost_days": RunningTotal(
        "cost_totals",
        keys={"quest": "quest", "model_key": "model_key"},
        sums={"days": "count(*)"} | {name: f"sum({name})" for name in COSTS},
        dirty_tasks="day IN (SELECT day FROM dirty_buckets)",
    ),
}
"""The sums over each table that is kept in step with the facts."""


def before(source: str) -> str:
    """SQL to run before the dirty rows change: takes away what they had."""
    return f"CREATE OR REPLACE TEMP TABLE {RUNNING_TOTALS[source].table}_change AS {_dirty(source, '-')}"


def after(source: str) -> str:
    """SQL to run when they have changed: adds what they have."""
    total = RUNNING_TOTALS[source]
    totals = ", ".join((*total.keys, *(f"sum({name})" for name in total.sums)))
    return f"""
CREATE OR REPLACE TEMP TABLE {total.table}_now AS
SELECT {totals} FROM (FROM {total.table} UNION ALL FROM {total.table}_change UNION ALL {_dirty(source, "+")})
 GROUP BY ALL HAVING sum({next(iter(total.sums))}) <> 0;
DELETE FROM {total.table};
INSERT INTO {total.table} FROM {total.table}_now;
"""


def _dirty(source: str, sign: str) -> str:
    total = RUNNING_TOTALS[source]
    keys = [f"{expression} AS {name}" for name, expression in total.keys.items()]
    sums = [f"{sign}({expression}) AS {name}" for name, expression in total.sums.items()]
    return f"SELECT {', '.join(keys + sums)} FROM {source} WHERE {total.dirty_tasks} GROUP BY ALL"
