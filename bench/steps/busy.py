"""The first build of a day that has more calls than fit into memory."""

from typing import Final

from bench import ours
from bench.steps.context import Bench, Measured

BUSY: Final = "busy_day"


def busy(bench: Bench) -> Measured:
    """The first build of one busy day, and the memory that it takes."""
    with bench.ledger(BUSY):
        bench.tell(f"building the rollups of {BUSY}")
        with bench.serving(BUSY) as program:
            return {f"{BUSY}.build_s": ours.refreshed(program), f"{BUSY}.peak_memory_mb": program.memory()[1]}
