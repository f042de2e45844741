"""The inputs of a metric: a ledger and the optional columns that it needs.

Every metric declares its inputs. A metric whose inputs are not configured is left out, and the page says why.
"""

from collections.abc import Mapping
from typing import NamedTuple

from exporter.config import Ledger


class Source(NamedTuple):
    """A ledger, and optional columns of which at least one must be configured. Without ``columns`` the ledger is enough."""

    ledger: str
    columns: tuple[str, ...] = ()

    def missing(self, ledgers: Mapping[str, Ledger]) -> str | None:
        """Return a sentence that names the missing ledger or column; None when nothing is missing."""
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
"""The inputs of a label. Without them the metric is still exported, but all its samples have the same label value."""
