"""Our exporter over ledgers that differ in how much is written to them."""

from bench import ours
from bench.questions import DAY
from bench.steps.context import VARIANTS, Bench, Measured, figures
from bench.writers import calls, writing


def rates(bench: Bench) -> Measured:
    """First build, memory and refreshes at other rates, each over a ledger of its own; and a day of it with plain SQL."""
    found: Measured = {}
    for name in bench.size.rates:
        with bench.ledger(name) as conninfo:
            bench.tell(f"aggregating a day of {name} with plain SQL")
            found[f"{name}.plain_day_ms"] = bench.database_ms(name, VARIANTS[0], [DAY.read_text()])
            found |= _rate(bench, name, conninfo)
    return found


def _rate(bench: Bench, name: str, conninfo: str) -> Measured:
    bench.tell(f"building the rollups of {name}")
    with writing(conninfo, calls(bench.size.rates[name].rate)) as written, bench.serving(name) as program:
        found = {f"{name}.build_s": ours.refreshed(program), f"{name}.peak_memory_mb": program.memory()[1]}
        bench.tell(f"refreshes of {name} with live inserts")
        run = ours.follow(program, bench.server, bench.size.refreshes, written)
        return found | figures({name: [run]}) | {f"{name}.memory_mb": program.memory()[0]}
