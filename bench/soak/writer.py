"""Writers that change the ledgers as applications do, including late, back-dated and silent changes.

Every task is judged once, every quest with a call is listed, and calls use existing models only: the questions of the benchmark
rely on that.
"""

import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from random import Random
from typing import Final

import psycopg

from bench.background import beside

SOME: Final = "WHERE id IN (SELECT id FROM {table} WHERE id >= (SELECT random() * max(id) FROM {table}) ORDER BY id LIMIT 3)"
SOME_CALLS: Final = SOME.format(table="cost_ledger")
SOME_JUDGEMENTS: Final = SOME.format(table="impact_ledger")
EARLIER: Final = "clock_timestamp() - random() * interval '45 days'"
# One call in ten has no price and one in ten is a credit; some belong to new quests.
CALLS: Final = (
    """
INSERT INTO cost_ledger (created_at, task_id, quest_id, provider, model, input_tokens, output_tokens, cost_usd)
SELECT {at}, %(task)s, coalesce((SELECT id FROM quests WHERE id LIKE 'soak-%%' AND random() < 0.3 LIMIT 1), quest_id),
       provider, model, floor(6000 * random()), floor(1500 * random()),
       CASE WHEN random() < 0.1 THEN NULL ELSE round((random() / 10 - 0.01)::numeric, 6) END
  FROM cost_ledger
"""
    + SOME_CALLS
)
JUDGEMENT: Final = "judged"
WRITES: Final[Mapping[str, str]] = {
    "called": CALLS.format(at="clock_timestamp()"),
    "called, dated back": CALLS.format(at=EARLIER),
    "call corrected": f"UPDATE cost_ledger SET cost_usd = round((random() / 10)::numeric, 6) {SOME_CALLS}",
    "call dated otherwise": f"UPDATE cost_ledger SET created_at = {EARLIER} {SOME_CALLS}",
    "call deleted": f"DELETE FROM cost_ledger {SOME_CALLS}",
    JUDGEMENT: """
INSERT INTO impact_ledger (created_at, updated_at, task_id, quest_id, layer, task_title, total_tokens, cost_usd, impact_score)
SELECT clock_timestamp(), clock_timestamp(), %(task)s, id, layer, 'Task ' || %(task)s, floor(20000 * random()),
       round(random()::numeric, 6), CASE WHEN random() < 0.9 THEN round((3 * random())::numeric, 3) END
  FROM quests ORDER BY random() LIMIT 1""",
    "judged again": f"""
UPDATE impact_ledger SET impact_score = round((3 * random())::numeric, 3), updated_at = clock_timestamp() {SOME_JUDGEMENTS}""",
    "judgement changed in silence": f"""
UPDATE impact_ledger SET total_tokens = floor(20000 * random()), impact_score = NULL {SOME_JUDGEMENTS}""",
    "judgement dated otherwise": f"""
UPDATE impact_ledger SET created_at = {EARLIER}, updated_at = clock_timestamp() {SOME_JUDGEMENTS}""",
    "judgement deleted": f"DELETE FROM impact_ledger {SOME_JUDGEMENTS}",
    "quest listed": """
INSERT INTO quests SELECT 'soak-' || floor(20 * random()), 'Quest ' || %(task)s, layer FROM quests ORDER BY random() LIMIT 1
    ON CONFLICT (id) DO UPDATE SET name = excluded.name, layer = excluded.layer""",
    "budget set": """
INSERT INTO quest_budget_allocations
SELECT id, current_date - floor(40 * random())::int, floor(50 * random()), floor(40 * random()) FROM quests
 ORDER BY random() LIMIT 3
    ON CONFLICT (quest_id, day) DO UPDATE SET allocated_usd = excluded.allocated_usd, spent_usd = excluded.spent_usd""",
    "budget deleted": """
DELETE FROM quest_budget_allocations WHERE (quest_id, day) IN
       (SELECT quest_id, day FROM quest_budget_allocations ORDER BY random() LIMIT 2)""",
}
ROLLED_BACK: Final = "rolled back"
SHARE_ROLLED_BACK: Final = 0.1
PAUSE: Final = 0.2
CONNECT_TIMEOUT: Final = 10


@dataclass
class Writer:
    """A writer. A transaction has at most ``writes`` writes, each followed by a pause of up to ``pause`` seconds."""

    name: str
    random: Random
    writes: int
    pause: float
    done: Counter[str] = field(default_factory=Counter)
    """The number of committed writes of each kind, and of rollbacks."""
    _task: int = 0

    def write(self, conninfo: str, stopped: threading.Event) -> None:
        """Write until stopped, and reconnect after errors."""
        while not stopped.is_set():
            try:
                with psycopg.connect(conninfo, connect_timeout=CONNECT_TIMEOUT) as connection:
                    while not stopped.is_set():
                        self._transaction(connection, stopped)
            except psycopg.Error:  # the faults also affect the writers
                self.done[ROLLED_BACK] += 1
                stopped.wait(PAUSE)

    def _transaction(self, connection: psycopg.Connection, stopped: threading.Event) -> None:
        kinds = self.random.choices(list(WRITES), k=self.random.randint(1, self.writes))
        rolls_back = self.random.random() < SHARE_ROLLED_BACK
        with connection.transaction(force_rollback=rolls_back):
            for kind in kinds:
                self._execute(connection, kind)
                stopped.wait(self.pause * self.random.random())
        self.done.update([ROLLED_BACK] if rolls_back else kinds)

    def _execute(self, connection: psycopg.Connection, kind: str) -> None:
        task = f"{self.name}-{self._task}"
        self._task += kind == JUDGEMENT
        connection.execute("SELECT setseed(%s)", [self.random.uniform(-1, 1)])
        connection.execute(WRITES[kind].encode(), {"task": task})


@contextmanager
def writing(conninfo: str, seed: int) -> Iterator[Counter[str]]:
    """Run two writers for the duration of the context: one commits at once, one late. The counts are complete at its end."""
    done: Counter[str] = Counter()
    writers = [
        Writer("prompt", Random(f"{seed} prompt"), 2, PAUSE, done),  # noqa: S311 - no secret
        Writer("late", Random(f"{seed} late"), 5, 4.0, done),  # noqa: S311 - no secret
    ]
    with beside(*(partial(writer.write, conninfo) for writer in writers)):
        yield done
