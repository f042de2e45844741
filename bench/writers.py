"""What is written to a ledger while the exporter is measured, each kind at an even rate."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Final

import psycopg

from bench.background import beside

SECONDS_PER_DAY: Final = 86400
SECONDS_BETWEEN_WRITES: Final = 0.5
_CALL = """
INSERT INTO cost_ledger (created_at, task_id, quest_id, provider, model, input_tokens, output_tokens, cost_usd)
SELECT clock_timestamp(), 'live-' || call / 10, 'quest-' || lpad((call / 10 %% 60)::text, 3, '0'),
       'minimax', 'model-0' || call %% 6, 1500, 200, 0.0023
  FROM generate_series(%(first)s::bigint, %(last)s) AS call
"""
_JUDGEMENT = """
INSERT INTO impact_ledger (created_at, updated_at, task_id, quest_id, layer, task_title, total_tokens, cost_usd, impact_score)
SELECT clock_timestamp(), clock_timestamp(), 'live-' || task, id, layer, 'Live task ' || task, 17000, 0.023, 1.5
  FROM generate_series(%(first)s::bigint / 10, (%(last)s::bigint + 1) / 10 - 1) AS task
  JOIN quests ON id = 'quest-' || lpad((task %% 60)::text, 3, '0')
"""
# Ids follow each other in the order of time. One may be drawn twice, or be deleted: PostgreSQL says how many rows it changed.
_ANY_OF = """
 WHERE id = ANY (ARRAY(
       SELECT oldest + floor(random() * (newest - oldest + 1))::bigint
         FROM generate_series(%(first)s::bigint, %(last)s),
              (SELECT max(id) AS newest FROM {table}) AS last_row,
              (SELECT id AS oldest FROM {table} WHERE created_at >= now() - interval '{age}'
                ORDER BY created_at LIMIT 1) AS first_row))
"""
_SCORE = "UPDATE impact_ledger SET impact_score = round((3 * random())::numeric, 3), updated_at = clock_timestamp()"
_CORRECTION = "UPDATE cost_ledger SET cost_usd = round((random() / 10)::numeric, 6)"


@dataclass(frozen=True, slots=True)
class Stream:
    """Something that is written so many times in a second, by statements that take the numbers of the first and the last.

    Numbers count from 1970 on, so that a writer that comes after another goes on where that one was, and no task comes twice.
    """

    per_second: float
    statements: tuple[str, ...]

    def due(self) -> int:
        """The number that is to be written next."""
        return int(self.per_second * time.time())


@dataclass
class Written:
    """How many rows were inserted, updated or deleted so far. Who waits for ``work`` learns why a writer failed."""

    work: Future[None] = field(default_factory=Future)
    rows: int = 0


def calls(rate: int) -> Stream:
    """So many calls a day, with a judgement for every ten."""
    return Stream(rate / SECONDS_PER_DAY, (_CALL, _JUDGEMENT))


def late_scores(per_second: float) -> Stream:
    """Scores that change, of any judgements of the last 14 days."""
    return Stream(per_second, (_SCORE + _ANY_OF.format(table="impact_ledger", age="14 days"),))


def corrections(per_second: float) -> Stream:
    """Costs that change, of any calls of the last day. The ledger has no time of change that would tell."""
    return Stream(per_second, (_CORRECTION + _ANY_OF.format(table="cost_ledger", age="1 day"),))


def deletions(per_second: float) -> Stream:
    """Calls of the last day that are deleted."""
    return Stream(per_second, ("DELETE FROM cost_ledger" + _ANY_OF.format(table="cost_ledger", age="1 day"),))


@contextmanager
def writing(conninfo: str, *streams: Stream) -> Iterator[Written]:
    """As long as the context lives, all streams are written.

    A writer that fails is noticed at the end: its exception is raised there.
    """
    written = Written()
    with beside(partial(_write, conninfo, streams, written)) as (written.work,):
        yield written  # nothing was measured if nothing was written


def _write(conninfo: str, streams: tuple[Stream, ...], written: Written, stopped: threading.Event) -> None:
    done = {stream: stream.due() for stream in streams}
    with psycopg.connect(conninfo, autocommit=True) as connection:
        while not stopped.wait(SECONDS_BETWEEN_WRITES):
            for stream in streams:
                due = stream.due()
                if due > done[stream]:
                    written.rows += _execute(connection, stream, done[stream], due - 1)
                    done[stream] = due


def _execute(connection: psycopg.Connection, stream: Stream, first: int, last: int) -> int:
    """Write what has these numbers; returns how many rows that changed."""
    return sum(connection.execute(each.encode(), {"first": first, "last": last}).rowcount for each in stream.statements)
