"""Past months in the rollups: what is put into them, compacted, read again and compared."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from exporter.rollups.staging import Place
from tests.rollups.entries import OPEN, TODAY, Entry, Store, at

MARCH, APRIL, MAY = (date(2026, month, 1) for month in (3, 4, 5))
KEYS: dict[str, Any] = {"report": {"windows": ["1d", "lifetime"], "top": 2, "quest_top": 1}, "state": {"tasks_for": "10d"}}
FIRST_TASKS = """
SELECT task_id, quest_id, task_totals.* EXCLUDE (task, quest)
  FROM task_totals JOIN tasks USING (task) JOIN quests USING (quest) WHERE {condition} IS NOT NULL
"""
READ = (
    "SELECT day, quest_id, sum(usd) FROM daily_costs JOIN quests USING (quest) GROUP BY ALL HAVING sum(entries) <> 0",
    "SELECT day, provider, sum(calls) FROM daily_costs JOIN models USING (model_key) GROUP BY ALL HAVING sum(entries) <> 0",
    "FROM hourly_costs",
    "SELECT * EXCLUDE (quest), quest_id FROM quest_outcome_totals JOIN quests USING (quest)",
    "FROM provider_outcome_totals",
    "FROM provider_last_days",
    "SELECT quest_id, arg_max(layer, latest) FROM quest_layers JOIN quests USING (quest) GROUP BY ALL",
    *(
        f"{FIRST_TASKS.format(condition=condition)} {first}"
        for rank, condition in (("efficiency", "efficiency"), ("tokens", "reason"))
        for first in (
            f"ORDER BY {rank} DESC, task_id LIMIT 2",
            f"QUALIFY row_number() OVER (PARTITION BY quest_id ORDER BY {rank} DESC, task_id) = 1",
        )
    ),
    *(
        f"SELECT sum(tasks) FROM (SELECT any_value(tasks) AS tasks FROM callers WHERE family IN ({families}) GROUP BY task)"
        for families in ("'p1'", "'p2'", "'p1', 'p2'")
    ),
    "FROM rejected",
    "SELECT ledger, day, minute, sum(entries), sum(checksum) FROM ranges GROUP BY ALL",
)
"""What reports read of the rollups, and what polls compare."""


def numbered(entries: Sequence[Entry]) -> list[Entry]:
    return [{**entry, "key": number} for number, entry in enumerate(entries)]


def judged(task: str | None, day: date, key: int = 1, **columns: object) -> Entry:
    labels = {"task_id": task, "quest_id": "q", "layer": "Agora", "usd": Decimal(1), "tokens": Decimal(5000), "checksum": key}
    return {"occurred_at": at(day, 60), "key": key, "impact": Decimal(2), **labels, **columns}


def compact(store: Store, today: date = TODAY) -> None:
    while store.rollups.compact(today):
        pass


def content(store: Store) -> list[list[tuple[Any, ...]]]:
    return [sorted(store.rows(query), key=repr) for query in READ]


def compacted(store: Store) -> dict[str, date]:
    """The month of each compacted task, of which some are known by a digest only."""
    names = "(SELECT unnest(['a', 'b', 'c', 'd', 'e']) AS task_id)"
    dropped = f"SELECT task_id, month FROM dropped_tasks JOIN {names} ON digest = md5_number_lower(task_id)"
    return dict(store.rows(f"SELECT task_id, month FROM tasks WHERE month IS NOT NULL UNION ALL {dropped}"))


def remove(store: Store, ledger: str) -> None:
    """Take a ledger out of the configuration, and start again."""
    others = {name: each for name, each in store.config.ledgers.items() if name != ledger}
    store.config = store.config.model_copy(update={"ledgers": others})
    store.reopen()


def read_again(store: Store, ledger: str, entries: Sequence[Entry], place: Place = OPEN) -> None:
    """What a poll does with the ranges that are to be read again."""
    replaced = [each.key for each in store.known(ledger) if each.unread]
    days = {day for day, _ in replaced}
    store.apply(ledger, [entry for entry in entries if entry["occurred_at"].date() in days], replaced, place)
