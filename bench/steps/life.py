"""Our exporter over the main ledger, from its first build on."""

from statistics import median
from typing import Final

from bench import ours
from bench.freshness import shown_after
from bench.processes import Program
from bench.steps.context import Bench, Measured
from bench.writers import calls, writing

FRESH_ROWS: Final = 5
COMPACTED_DAYS: Final = 121
"""Of a longer ledger, a month or more is compacted: it ended more than 90 days ago."""
FIRST_REFRESHES: Final = 3
"""So many refreshes after the first build, memory is what is needed from then on."""


def life(bench: Bench) -> Measured:
    """Our exporter while the ledger is written to: first build, refreshes, memory, restart, freshness."""
    name = bench.main()
    bench.tell(f"building the rollups of {name}")
    with writing(bench.server.conninfo(name), calls(bench.size.ledgers[name].rate)) as written:
        with bench.serving(name) as program:
            found = {"ours.build_s": ours.refreshed(program)}
            found["ours.peak_memory_mb"] = program.memory()[1]
            if bench.size.days[name] > COMPACTED_DAYS:
                bench.tell("compacting past months")
                ours.compacted(program)
            ours.follow(program, bench.server, FIRST_REFRESHES, written)
            built = program.memory()[0]
            found["ours.progress_lines"] = program.log.read_text().count('"percent"')
        found |= _file(bench, name)
        bench.tell("starting again")
        found["ours.restart_s"] = median(_restart(bench, name) for _ in range(3))
        with bench.serving(name) as program:
            ours.refreshed(program)
            found["ours.freshness_s"] = median(_fresh(bench, program, number) for number in range(FRESH_ROWS))
            found["ours.memory_mb"] = max(built, program.memory()[0])
    return found


def _file(bench: Bench, name: str) -> Measured:
    size = (bench.directory / f"{name}.duckdb").stat().st_size
    return {"ours.rollups_mb": size / 1e6, "ours.rollup_bytes_per_call": size / bench.size.ledgers[name].rows}


def _restart(bench: Bench, name: str) -> float:
    with bench.serving(name) as program:
        return ours.published(program)


def _fresh(bench: Bench, program: Program, number: int) -> float:
    conninfo = bench.server.conninfo(bench.main())
    return shown_after(program, conninfo, f"fresh-{number}", age="0 s", patience=ours.PATIENCE)
