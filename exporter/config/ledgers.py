"""The ledgers that the exporter knows, and the columns of each."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Definition:
    """The columns of one ledger. A source may lack the ``optional`` ones."""

    required: tuple[str, ...]
    optional: tuple[str, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """All columns, the required ones first."""
        return self.required + self.optional


LEDGERS: Mapping[str, Definition] = MappingProxyType(
    {
        "allocations": Definition(required=("quest_id", "day", "allocated_usd"), optional=("spent_usd",)),
        "costs": Definition(
            required=("entry_id", "occurred_at", "provider", "cost_usd"),
            optional=("quest_id", "task_id", "model", "input_tokens", "output_tokens", "updated_at"),
        ),
        "impacts": Definition(
            required=("entry_id", "occurred_at", "task_id", "cost_usd", "total_tokens"),
            optional=("impact_score", "quest_id", "layer", "task", "updated_at"),
        ),
        "quests": Definition(required=("quest_id", "quest"), optional=("layer",)),
    }
)

MEASURED = ("allocations", "costs", "impacts")
"""The ledgers that hold numbers; ``quests`` only names what they refer to."""
