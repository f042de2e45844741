"""Sums over large tables, so that a report need not read a million rows: what the touched ones gained and lost is added.

The sums are of whole numbers and decimals, and exact: nothing drifts, however often something is added and taken away.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Tally:
    """A table of sums; its columns are those of ``keys`` and then of ``sums``, each with the expression that it is.

    The first of the sums counts rows: what no row is left of is dropped. ``touched`` says which rows are about to change.
    """

    table: str
    keys: Mapping[str, str]
    sums: Mapping[str, str]
    touched: str = "task IN (SELECT task FROM touched)"


COSTS = ("calls", "unpriced", "usd", "input_tokens", "output_tokens")
TALLIES = {
    "task_totals": Tally(
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
    "task_credits": Tally(
        "provider_outcomes",
        keys={"family": "family"},
        sums={
            "tasks": "count(*)",
            "scored": "count(impact)",
            "impact": "coalesce(sum(impact), 0)",
            "wasted_usd": "sum(wasted_usd)",
        },
    ),
    "task_providers": Tally("provider_days", keys={"family": "family", "day": "last_day"}, sums={"tasks": "count(*)"}),
    "cost_days": Tally(
        "cost_totals",
        keys={"quest": "quest", "pair": "pair"},
        sums={"days": "count(*)"} | {name: f"sum({name})" for name in COSTS},
        touched="day IN (SELECT day FROM changed)",
    ),
}
"""The sums over each table that is kept in step with the facts."""


def before(source: str) -> str:
    """SQL to run before the touched rows change: takes away what they had."""
    return f"CREATE OR REPLACE TEMP TABLE {TALLIES[source].table}_change AS {_touched(source, '-')}"


def after(source: str) -> str:
    """SQL to run when they have changed: adds what they have."""
    tally = TALLIES[source]
    totals = ", ".join((*tally.keys, *(f"sum({name})" for name in tally.sums)))
    return f"""
CREATE OR REPLACE TEMP TABLE {tally.table}_now AS
SELECT {totals} FROM (FROM {tally.table} UNION ALL FROM {tally.table}_change UNION ALL {_touched(source, "+")})
 GROUP BY ALL HAVING sum({next(iter(tally.sums))}) <> 0;
DELETE FROM {tally.table};
INSERT INTO {tally.table} FROM {tally.table}_now;
"""


def _touched(source: str, sign: str) -> str:
    tally = TALLIES[source]
    keys = [f"{expression} AS {name}" for name, expression in tally.keys.items()]
    sums = [f"{sign}({expression}) AS {name}" for name, expression in tally.sums.items()]
    return f"SELECT {', '.join(keys + sums)} FROM {source} WHERE {tally.touched} GROUP BY ALL"
