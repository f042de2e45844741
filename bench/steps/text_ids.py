"""Our exporter over a ledger whose ids do not tell which rows are new."""

from typing import Final

from bench import ours
from bench.freshness import shown_after
from bench.ledger import use_text_ids
from bench.steps.context import Bench, Measured
from bench.writers import calls, writing

TEXT_IDS: Final = "text_ids"
AGE: Final = "6 hours"
PATIENCE: Final = 150.0
"""Twice the bar: a row that is not on the page by then falls short, however long it takes."""


def text_ids(bench: Bench) -> Measured:
    """Over a ledger with uuids as text: the longest time that a row, dated back by hours, took to the page."""
    with bench.ledger(TEXT_IDS) as conninfo:
        use_text_ids(conninfo)
        with writing(conninfo, calls(bench.size.ledgers[TEXT_IDS].rate)), bench.serving(TEXT_IDS) as program:
            bench.tell(f"building the rollups of {TEXT_IDS}")
            ours.refreshed(program)
            bench.tell(f"rows of {AGE} ago, with text ids")
            rows = [f"late-{number}" for number in range(bench.size.late_rows)]
            took = [shown_after(program, conninfo, row, age=AGE, patience=PATIENCE) for row in rows]
            return {f"{TEXT_IDS}.late_row_s": max(took)}
