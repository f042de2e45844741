"""Our exporter over a ledger that is not only added to."""

from typing import Final

from bench import ours
from bench.steps.context import Bench, Measured, figures
from bench.writers import calls, corrections, deletions, late_scores, writing

LATE: Final = "late"
SCORES_PER_SECOND: Final = 10
CORRECTIONS_PER_SECOND: Final = 2
DELETIONS_PER_SECOND: Final = 0.5


def late(bench: Bench) -> Measured:
    """Refreshes with late scores and without, in turn over one ledger; and at last with everything that changes a ledger."""
    inserts, scores = calls(bench.size.ledgers[LATE].rate), late_scores(SCORES_PER_SECOND)
    turns = {"late_scores": (inserts, scores), "no_late_scores": (inserts,)}
    mix = (inserts, scores, corrections(CORRECTIONS_PER_SECOND), deletions(DELETIONS_PER_SECOND))
    runs: dict[str, list[ours.Run]] = {name: [] for name in (*turns, "mix")}
    with bench.ledger(LATE) as conninfo, bench.serving(LATE) as program:
        bench.tell(f"building the rollups of {LATE}")
        ours.refreshed(program)
        for name, streams in [*(bench.size.rounds * list(turns.items())), ("mix", mix)]:
            bench.tell(f"refreshes, {name.replace('_', ' ')}")
            with writing(conninfo, *streams) as written:
                runs[name].append(ours.follow(program, bench.server, bench.size.turn, written))
    return figures(runs)
