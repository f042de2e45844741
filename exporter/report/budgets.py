"""Budgets that hold today, and what was spent of each, kept in memory from report to report."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from exporter.report.context import ReportContext, Row
from exporter.report.costs import USD, called

# Of several budgets of one name that hold at once, the one that began last.
_IN_FORCE = """
SELECT quest, period, starts_on, ends_on, sum(usd)
  FROM budget_periods WHERE starts_on <= $today AND (ends_on IS NULL OR ends_on >= $today)
 GROUP BY quest, period, starts_on, ends_on
QUALIFY rank() OVER (PARTITION BY quest, period ORDER BY starts_on DESC, ends_on NULLS LAST) = 1 ORDER BY ALL
"""
_SPENT = """
SELECT quest, starts_on, sum(usd), coalesce(sum(usd) FILTER (day = $today), 0)
  FROM (SELECT unnest($quests::INTEGER[]) AS quest, unnest($starts::DATE[]) AS starts_on) AS budget
  JOIN ({spent}) AS spent USING (quest) WHERE day >= starts_on AND day <= $today GROUP BY ALL
"""


@dataclass(frozen=True, slots=True)
class Budget:
    """What a quest, given by its number, may spend from ``starts_on`` to ``ends_on``; None: it never ends."""

    quest: int
    period: str
    starts_on: date
    ends_on: date | None
    usd: Decimal

    @property
    def days(self) -> int | None:
        """How many days it holds."""
        return None if self.ends_on is None else (self.ends_on - self.starts_on).days + 1


class BudgetSums:
    """``in_force``: the budgets that hold today. ``spent`` and ``spent_today``: USD of each, by quest and first day."""

    def __init__(self, context: ReportContext) -> None:
        self._today = context.today
        self.in_force = [Budget(*row) for row in context.rows(_IN_FORCE, today=self._today)]
        self.spent: dict[tuple[int, date], Decimal] = defaultdict(Decimal)
        self.spent_today: dict[tuple[int, date], Decimal] = defaultdict(Decimal)
        self._starts: dict[int, set[date]] = defaultdict(set)
        for budget in self.in_force:
            self._starts[budget.quest].add(budget.starts_on)
        self._sum_up(context)

    def _sum_up(self, context: ReportContext) -> None:
        pairs = [(quest, start) for quest, starts in self._starts.items() for start in starts]
        asked = {"quests": [quest for quest, _ in pairs], "starts": [start for _, start in pairs], "today": self._today}
        for quest, start, usd, today in context.rows(_SPENT.format(spent=called(context)), **asked) if pairs else []:
            self.spent[quest, start], self.spent_today[quest, start] = usd, today

    def add(self, changes: Iterable[Row]) -> None:
        """Add rows of ``(day, quest, model_key, *sums)``; the sums of what was taken away are negative."""
        for day, quest, _, *sums in changes:
            for start in self._starts.get(quest, ()):
                if start <= day <= self._today:
                    self.spent[quest, start] += sums[USD]
                    if day == self._today:
                        self.spent_today[quest, start] += sums[USD]
