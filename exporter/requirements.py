"""The inputs of a metric: a ledger and the optional columns that it needs.

Every metric declares its inputs. A metric whose inputs are not configured is left out, and the page says why.
"""

from collections.abc import Mapping
from typing import NamedTuple

from exporter.config import Ledger


class Source(NamedTuple):
    """A ledger, and optional columns of which at least one must be configured. Without ``columns`` the ledger is enough.

    ``instead`` is the source that tells the same where this one is not configured.
    """

    ledger: str
    columns: tuple[str, ...] = ()
    instead: "Source | None" = None

    def used(self, ledgers: Mapping[str, Ledger]) -> "Source":
        """This source, or the one in its place where this one is not configured and that one is."""
        if self.instead and _missing(self, ledgers) and not _missing(self.instead, ledgers):
            return self.instead
        return self

    def missing(self, ledgers: Mapping[str, Ledger]) -> str | None:
        """Return a sentence that names the missing ledger or column; None when nothing is missing."""
        return _missing(self.used(ledgers), ledgers)


def _missing(source: Source, ledgers: Mapping[str, Ledger]) -> str | None:
    if source.ledger not in ledgers:
        return f"No {source.ledger} ledger is configured."
    if source.columns and not any(column in ledgers[source.ledger].columns for column in source.columns):
        return f"No {' or '.join(source.columns)} column is configured for the {source.ledger} ledger."
    return None


REPORTED = Source("allocations", ("spent_usd",))
ALLOCATIONS = Source("allocations", instead=Source("budgets"))
DAY_BUDGETS = Source("allocations")
BUDGETS = Source("budgets", instead=DAY_BUDGETS)
COSTS = Source("costs")
SPENT = Source("costs", instead=REPORTED)
COST_TASKS = Source("costs", ("task_id",))
COST_MODELS = Source("costs", ("model",))
COST_TOKENS = Source("costs", ("input_tokens", "output_tokens"))
SCORES = Source("impacts", ("impact_score",))
TASK_USD = Source("impacts", ("cost_usd",), instead=COST_TASKS)
TASK_TOKENS = Source("impacts", ("total_tokens",), instead=COST_TOKENS)

LABELS = {"quest_id": Source("costs", ("quest_id",))}
"""The inputs of a label. Without them the metric is still exported, but all its samples have the same label value."""
