"""Our exporter over the main ledger, from its first build on."""

import time
from statistics import median
from typing import Final

import psycopg

from bench import ours
from bench.processes import Program
from bench.steps.context import Bench, Measured
from bench.writers import Written, calls, writing

FRESH_ROWS: Final = 5
_FRESH: Final = "INSERT INTO cost_ledger (created_at, task_id, provider, model, cost_usd) VALUES (now(), %s, %s, 'fresh', 1)"


def life(bench: Bench) -> Measured:
    """Our exporter while the ledger is written to: first build, refreshes, memory, restart, freshness."""
    name = bench.main()
    bench.tell(f"building the rollups of {name}")
    with writing(bench.server.conninfo(name), calls(bench.size.ledgers[name].rate)) as written:
        with bench.serving(name) as program:
            found = {"ours.build_s": ours.refreshed(program)}
            found |= refreshes(bench, program, name, written)
            built, found["ours.peak_memory_mb"] = program.memory()
            found["ours.progress_lines"] = program.log.read_text().count('"percent"')
        found["ours.rollups_mb"] = (bench.directory / f"{name}.duckdb").stat().st_size / 1e6
        bench.tell("starting again")
        found["ours.restart_s"] = median(_restart(bench, name) for _ in range(3))
        with bench.serving(name) as program:
            ours.refreshed(program)
            found["ours.freshness_s"] = median(_fresh(bench, program, number) for number in range(FRESH_ROWS))
            found["ours.memory_mb"] = max(built, program.memory()[0])
    return found


def refreshes(bench: Bench, program: Program, name: str, written: Written) -> Measured:
    """Refreshes of a ledger, by its name."""
    bench.tell(f"refreshes of {name} with live inserts")
    found = ours.figures(ours.follow(program, bench.server, bench.size.refreshes, written))
    return {f"{name}.{measurement}": value for measurement, value in found.items()}


def _restart(bench: Bench, name: str) -> float:
    with bench.serving(name) as program:
        return ours.published(program)


def _fresh(bench: Bench, program: Program, number: int) -> float:
    """Seconds from the commit of a row of a new provider until that provider is on the page."""
    provider = f"fresh-{number}"
    with psycopg.connect(bench.server.conninfo(bench.size.main), autocommit=True) as connection:
        connection.execute(_FRESH, [provider, provider])
    committed = time.monotonic()
    program.until(lambda: f'provider="{provider}"' in (program.page() or ""), ours.PATIENCE, pause=0.02)
    return time.monotonic() - committed
