"""How long a row takes from its commit to the page."""

import time

import psycopg

from bench.processes import Program

_ROW = """
INSERT INTO cost_ledger (created_at, task_id, provider, model, cost_usd) VALUES (now() - %s::interval, %s, %s, 'fresh', 1)
"""


def shown_after(program: Program, conninfo: str, provider: str, *, age: str, patience: float) -> float:
    """Seconds from the commit of a row until its provider, a new one, is on the page; if it is not by then, the patience.

    Raises:
        ProgramError: the exporter ended.
    """
    with psycopg.connect(conninfo, autocommit=True) as connection:
        connection.execute(_ROW, [age, provider, provider])
    committed = time.monotonic()

    def waited() -> float:
        return time.monotonic() - committed

    program.until(lambda: f'provider="{provider}"' in (program.page() or "") or waited() > patience, patience + 60, pause=0.02)
    return min(waited(), patience)
