"""The columns of timed entries and the sums over them: one entry here, and all SQL that reads, keeps and adds it up follows.

The statements for PostgreSQL, the columns of what it sends, the tables of the rollups and their running totals are generated
from these tables.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum

DECIMAL = "DECIMAL(38, 15)"
"""Money and impact in the rollups."""


class Kind(Enum):
    """How a column is read; the value is the DuckDB type in which it is sent."""

    ID = "VARCHAR"
    TEXT = "VARCHAR "
    AMOUNT = DECIMAL
    COUNT = "BIGINT"


@dataclass(frozen=True, slots=True)
class Column:
    """A column of an entry: its name in the ledger and in the rollups."""

    name: str
    stored: str
    kind: Kind


@dataclass(frozen=True, slots=True)
class Sum:
    """A sum over entries: its name and type in the rollups, and the expression over stored columns that it is."""

    name: str
    type: str
    expression: str


@dataclass(frozen=True, slots=True)
class EntryLedger:
    """A ledger of timed entries. ``required`` is the id that no entry may lack.

    ``ordered`` says whether the order of entries matters: the latest impact of a task says what the task is.
    """

    columns: tuple[Column, ...]
    required: str | None = None
    ordered: bool = False

    def names(self, *kinds: Kind) -> tuple[str, ...]:
        """The ledger's names of the columns of these kinds."""
        return tuple(column.name for column in self.columns if column.kind in kinds)

    @property
    def compared(self) -> tuple[str, ...]:
        """The columns in which one version of an entry differs from another."""
        return (("occurred_at", "entry_id") if self.ordered else ()) + tuple(column.name for column in self.columns)


_TASK = Column("task_id", "task_id", Kind.ID)
_QUEST = Column("quest_id", "quest_id", Kind.ID)
_USD = Column("cost_usd", "usd", Kind.AMOUNT)

ENTRIES: Mapping[str, EntryLedger] = {
    "costs": EntryLedger(
        (
            _TASK,
            _QUEST,
            Column("provider", "provider", Kind.TEXT),
            Column("model", "model", Kind.TEXT),
            _USD,
            Column("input_tokens", "input_tokens", Kind.COUNT),
            Column("output_tokens", "output_tokens", Kind.COUNT),
            Column("calls", "calls", Kind.COUNT),
        )
    ),
    "impacts": EntryLedger(
        (
            _TASK,
            _QUEST,
            Column("layer", "layer", Kind.TEXT),
            Column("task", "title", Kind.TEXT),
            _USD,
            Column("total_tokens", "tokens", Kind.COUNT),
            Column("impact_score", "impact", Kind.AMOUNT),
        ),
        required="task_id",
        ordered=True,
    ),
}

COST_SUMS = (
    Sum("entries", "BIGINT", "count(*)"),
    Sum("calls", "HUGEINT", "sum(coalesce(calls, 1))"),
    Sum("unpriced", "HUGEINT", "coalesce(sum(coalesce(calls, 1)) FILTER (usd IS NULL), 0)"),
    Sum("usd", DECIMAL, "coalesce(sum(usd), 0)"),
    Sum("credit_usd", DECIMAL, "coalesce(sum(usd) FILTER (usd < 0), 0)"),
    Sum("input_tokens", "HUGEINT", "coalesce(sum(input_tokens), 0)"),
    Sum("output_tokens", "HUGEINT", "coalesce(sum(output_tokens), 0)"),
)
"""The sums of calls by range, task, quest and model. The first is the number of entries; a sum over none is left out."""


def listed(sums: Iterable[Sum], form: str = "{name}") -> str:
    """The sums in a list of SQL, each in a form that may use its ``name``, ``type`` and ``expression``."""
    return ", ".join(form.format(name=each.name, type=each.type, expression=each.expression) for each in sums)
