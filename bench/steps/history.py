"""Our exporter over ledgers of the same rate and of different length, in turn."""

from bench import ours
from bench.steps.context import Bench, Measured, figures
from bench.writers import calls, writing


def history(bench: Bench) -> Measured:
    """Refreshes over a long, a middle and a short history, some of each in every round.

    One exporter runs at a time. It is started for its turn, so its first refresh takes in what was written and is not measured.
    """
    with bench.histories() as names:
        runs: dict[str, list[ours.Run]] = {name: [] for name in names}
        for number in range(bench.size.rounds):
            for name in names:
                bench.tell(f"refreshes of {name} with live inserts, round {number + 1} of {bench.size.rounds}")
                runs[name].append(_turn(bench, name))
    return figures(runs)


def _turn(bench: Bench, name: str) -> ours.Run:
    inserts = calls(bench.size.ledgers[name].rate)
    with writing(bench.server.conninfo(name), inserts) as written, bench.serving(name) as program:
        ours.refreshed(program)
        return ours.follow(program, bench.server, bench.size.turn, written)
