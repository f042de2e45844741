"""One row of each table on the page. Money is USD; None means unknown; ``quest_id`` is set only where quests share a name."""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from exporter.calendar import ONE_DAY
from exporter.web.page.format import LEAST


class Use(Enum):
    """How a budget is used, in the order in which rows are shown."""

    OVER = "over budget"
    WITHIN = "within budget"
    UNKNOWN = "with unknown spend"
    OTHER_PERIOD = "with a budget of another period"
    NO_BUDGET = "without a budget today"


def use_of(budget: float | None, spent: float | None) -> Use:
    """Return how a budget is used."""
    if budget is None:
        return Use.NO_BUDGET
    if spent is None:
        return Use.UNKNOWN
    return Use.OVER if spent > budget + LEAST else Use.WITHIN


@dataclass(frozen=True, slots=True)
class BudgetRow:
    """The budget of one quest for a period that holds today. ``end`` is its end, None where it never ends."""

    quest: str
    layer: str
    period: str
    budget: float
    spent: float | None
    projected: float | None
    end: datetime | None
    now: datetime
    quest_id: str = ""

    @property
    def used(self) -> float | None:
        """The share of the budget that is spent."""
        return _ratio(self.spent, self.budget)

    @property
    def use(self) -> Use:
        """How the budget is used."""
        return use_of(self.budget, self.spent)

    @property
    def over(self) -> bool:
        """Whether more is spent than the budget."""
        return self.use is Use.OVER

    @property
    def days_left(self) -> int | None:
        """The days of the period that remain, with today."""
        return None if self.end is None else -((self.now - self.end) // ONE_DAY)

    @property
    def used_up(self) -> datetime | None:
        """When all of the budget will be spent at the pace of the period so far; None where that is after its end, or past."""
        if self.end is None or self.projected is None or self.spent is None:
            return None
        left, to_come = self.budget - self.spent, self.projected - self.spent
        return self.now + (self.end - self.now) * (left / to_come) if 0 <= left < to_come else None


@dataclass(frozen=True, slots=True)
class QuestRow:
    """Today's allocation of one quest, or of several, which have no layer; ``budget`` is the sum of all quests.

    ``longer`` are the budgets of longer periods, the most used of each quest, where nothing is allocated for today.
    """

    quest: str
    layer: str
    allocated: float | None
    spent: float | None
    projected: float | None
    budget: float | None
    longer: tuple[BudgetRow, ...] = ()
    quest_id: str = ""

    @property
    def other(self) -> BudgetRow | None:
        """The only budget of a longer period; several do not add up."""
        return self.longer[0] if len(self.longer) == 1 else None

    @property
    def share(self) -> float | None:
        """The share of today's whole allocation."""
        return _ratio(self.allocated, self.budget)

    @property
    def used(self) -> float | None:
        """The share of the allocation, or of the other budget, that is spent."""
        return self.other.used if self.other else _ratio(self.spent, self.allocated)

    @property
    def use(self) -> Use:
        """How the allocation is used."""
        return Use.OTHER_PERIOD if self.longer else use_of(self.allocated, self.spent)

    @property
    def over(self) -> bool:
        """Whether more is spent than the allocation, or the other budget."""
        return self.other.over if self.other else self.use is Use.OVER


@dataclass(frozen=True, slots=True)
class TaskRow:
    """One task of a ranking."""

    task_id: str
    task: str
    quest: str
    layer: str
    reason: str | None
    impact_per_usd: float | None
    impact: float | None
    cost: float | None
    tokens: float | None
    quest_id: str = ""


@dataclass(frozen=True, slots=True)
class DayRow:
    """One day of the timeline."""

    day: str
    today: bool
    allocated: float | None
    spent: float | None

    @property
    def over(self) -> float | None:
        """USD spent beyond the allocation, negative when some of it is left."""
        return None if self.allocated is None or self.spent is None else self.spent - self.allocated


@dataclass(frozen=True, slots=True)
class ProviderRow:
    """The cost and the impact of one provider."""

    provider: str
    cost: float | None
    tasks: float | None
    calls: float | None
    input_tokens: float | None
    output_tokens: float | None
    impact: float | None
    wasted: float | None
    unpriced: float | None

    @property
    def cost_per_task(self) -> float | None:
        """Mean USD per task that called the provider."""
        return _ratio(self.cost, self.tasks)

    @property
    def impact_per_usd(self) -> float | None:
        """Impact per USD."""
        return _ratio(self.impact, self.cost)


@dataclass(frozen=True, slots=True)
class WasteRow:
    """What was wasted, for one reason or for all."""

    reason: str
    tasks: float | None
    tokens: float | None
    cost: float | None


def _ratio(part: float | None, whole: float | None) -> float | None:
    return part / whole if part is not None and whole is not None and whole > 0 else None
