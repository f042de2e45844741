"""The quantities that several dashboards show, each defined once."""

from dataclasses import dataclass
from typing import Final

from exporter.sections import allocation, budgets, efficiency, providers, spend, utilization, waste
from grafana.queries import TODAY, Scope, known_zero, share, total

EXCEEDED: Final = 0
"""In the place of the date on which a budget is used up: more than the budget is spent already."""
LASTS: Final = 1
"""In the same place: the projected spend is within the budget."""
_DAY: Final = 86_400
_MILLISECONDS: Final = 1000


@dataclass(frozen=True)
class Budget:
    """The PromQL of budgets: USD for the period, spent and projected, the elapsed share of it, and its end in Unix time."""

    amount: str
    spent: str
    projected: str
    elapsed: str
    end: str

    @property
    def used(self) -> str:
        """Spent share of the budget."""
        return share(self.spent, self.amount)

    @property
    def days_left(self) -> str:
        """The days of the period that remain, with today."""
        return f"ceil(({self.end} - time()) / {_DAY})"

    @property
    def used_up(self) -> str:
        """When the budget is used up at the pace of the period, in milliseconds; ``EXCEEDED`` where more than it is spent.

        Absent where the projected spend is within the budget.
        """
        to_come = f"({self.end} - time()) * ({self.amount} - {self.spent}) / ({self.projected} - {self.spent})"
        ahead = f"{self.projected} > {self.amount} and {self.spent} <= {self.amount}"
        return f"{_MILLISECONDS} * (time() + {to_come}) and {ahead} or {EXCEEDED} * ({self.spent} > {self.amount})"


def budget_of_each(scope: Scope) -> Budget:
    """The budget of each quest and period."""
    metrics = budgets.BUDGET, budgets.SPEND, budgets.PROJECTED, budgets.ELAPSED, budgets.END
    return Budget(*(scope.of(metric) for metric in metrics))


def budget_of_all(scope: Scope) -> Budget:
    """The budgets of one period, added up over quests."""
    each = budget_of_each(scope)
    return Budget(total(each.amount), total(each.spent), total(each.projected), f"max({each.elapsed})", f"max({each.end})")


def allocated(scope: Scope, *by: str) -> str:
    """USD allocated today."""
    return total(scope.of(allocation.ALLOCATION), *by)


def spent(scope: Scope, *by: str) -> str:
    """USD spent today."""
    return total(scope.of(spend.QUEST_SPEND, window=TODAY), *by)


def allocated_by_day(scope: Scope) -> str:
    """USD allocated on each day of the timeline."""
    return total(scope.of(utilization.DAY_ALLOCATION), "day")


def spent_by_day(scope: Scope) -> str:
    """USD spent on each day of the timeline."""
    return total(scope.of(utilization.DAY_SPEND), "day")


def unbudgeted(scope: Scope, *by: str) -> str:
    """USD spent today by quests without an allocation."""
    spending = f"{scope.of(spend.QUEST_SPEND, window=TODAY)} > 0"
    return total(f"{spending} unless on (job, quest_id) {scope.of(allocation.ALLOCATION)}", *by)


def projected(scope: Scope, *by: str) -> str:
    """USD projected to be spent by the end of today."""
    return total(scope.of(spend.PROJECTED), *by)


def budget_used(scope: Scope, *by: str) -> str:
    """Spent share of today's allocation."""
    return share(spent(scope, *by), allocated(scope, *by))


def quests_over_budget(scope: Scope) -> str:
    """The number of quests whose spend of today is above their allocation."""
    return f"sum({scope.of(spend.QUEST_SPEND, window=TODAY)} > bool {scope.of(allocation.ALLOCATION)})"


def spent_per_hour(scope: Scope, *by: str) -> str:
    """USD spent in the hour before each moment, at least 0 (credits can exceed spend)."""
    return scope.rise(spend.SPEND, *by)


def burn_rate(scope: Scope) -> str:
    """Spend in the hour before each moment, divided by what the allocation of the day allows in an hour."""
    return f"24 * {share(spent_per_hour(scope), scope.held(allocation.ALLOCATION))}"


def ledgers_differ(scope: Scope) -> str:
    """Today's spend by the costs ledger minus that by the allocations ledger, in cents, of the quests of which both tell it."""
    reported = scope.of(allocation.REPORTED_SPEND)
    both = f"{scope.of(spend.QUEST_SPEND, window=TODAY)} and on (job, quest_id) {reported}"
    return f"round({total(both)} - {total(reported)}, 0.01)"  # else a rest of 1e-15 reads -$0.00


def impact_per_usd(scope: Scope, *by: str) -> str:
    """Impact of the judged tasks divided by their cost, failed tasks included."""
    return share(total(scope.of(efficiency.QUEST_IMPACT), *by), judged_usd(scope, *by))


def judged_usd(scope: Scope, *by: str) -> str:
    """Cost of the judged tasks in USD."""
    return total(scope.of(efficiency.QUEST_IMPACT_COST), *by)


def provider_impact_per_usd(scope: Scope, *by: str) -> str:
    """Impact shared out to providers divided by the spend on them."""
    return share(total(scope.of(providers.IMPACT), *by), total(scope.of(providers.SPEND), *by))


def wasted_share(scope: Scope, *by: str) -> str:
    """Wasted share of the cost of the judged tasks."""
    return share(f"({wasted_usd(scope, *by)})", judged_usd(scope, *by))


def wasted_usd(scope: Scope, *by: str) -> str:
    """Cost of wasted tasks in USD; 0 where tasks were judged and none was wasted."""
    return known_zero(total(scope.of(waste.QUEST_USD), *by), judged_usd(scope, *by))
