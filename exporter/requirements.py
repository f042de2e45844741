"""What numbers come from: a ledger, and of its optional columns those without which they would be wrong.

A metric says what it comes from, so what cannot be known is left out by one rule, and the page can say why.
"""

from collections.abc import Mapping
from typing import NamedTuple

from exporter.config import Ledger


class Source(NamedTuple):
    """A ledger, and optional columns of it of which at least one is needed; none is needed where none is named."""

    ledger: str
    columns: tuple[str, ...] = ()

    def missing(self, ledgers: Mapping[str, Ledger]) -> str | None:
        """A sentence that says what the configured ledgers lack; None when they lack nothing."""
        if self.ledger not in ledgers:
            return f"No {self.ledger} ledger is configured."
        if self.columns and not any(column in ledgers[self.ledger].columns for column in self.columns):
            return f"No {' or '.join(self.columns)} column is configured for the {self.ledger} ledger."
        return None


ALLOCATIONS = Source("allocations")
REPORTED = Source("allocations", ("spent_usd",))
COSTS = Source("costs")
COST_TASKS = Source("costs", ("task_id",))
COST_MODELS = Source("costs", ("model",))
COST_TOKENS = Source("costs", ("input_tokens", "output_tokens"))
SCORES = Source("impacts", ("impact_score",))

LABELS = {"quest_id": Source("costs", ("quest_id",))}
"""What tells a label. Without it the numbers are known, but not whose they are."""
