"""Our exporter over ledgers that differ in how much is written to them."""

from bench import ours
from bench.questions import DAY
from bench.steps.context import VARIANTS, Bench, Measured
from bench.steps.life import refreshes
from bench.writers import calls, writing


def growth(bench: Bench) -> Measured:
    """Refreshes with less history, and at other rates, each over a ledger of its own."""
    shorter = [name for name in bench.size.history if name != bench.size.main]
    found: Measured = {}
    for name in (*shorter, *bench.size.rates):
        with bench.ledger(name) as conninfo:
            if name in bench.size.rates:
                found[f"{name}.plain_day_ms"] = bench.database_ms(name, VARIANTS[0], [DAY.read_text()])
            found |= _grown(bench, name, conninfo)
    return found


def _grown(bench: Bench, name: str, conninfo: str) -> Measured:
    with writing(conninfo, calls(bench.size.ledgers[name].rate)) as written, bench.serving(name) as program:
        ours.refreshed(program)
        return refreshes(bench, program, name, written)
