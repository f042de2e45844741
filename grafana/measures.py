"""The quantities that several dashboards show, each defined once."""

from exporter.sections import allocation, efficiency, providers, spend, waste
from grafana.queries import TODAY, Scope, known_zero, share, total

SPAN = "1h"
"""The stretch of time before each moment over which live spend is taken."""


def allocated(scope: Scope, *by: str) -> str:
    """USD allocated today."""
    return total(scope.of(allocation.ALLOCATION), *by)


def spent(scope: Scope, *by: str, window: str = TODAY) -> str:
    """USD spent in the window."""
    return total(scope.of(spend.QUEST_SPEND, window=window), *by)


def projected(scope: Scope, *by: str) -> str:
    """USD that will have been spent at the end of today."""
    return total(scope.of(spend.PROJECTED), *by)


def budget_used(scope: Scope, *by: str) -> str:
    """Share of today's allocation that is spent."""
    return share(spent(scope, *by), allocated(scope, *by))


def quests_over_budget(scope: Scope) -> str:
    """How many quests have spent more today than they were allocated."""
    return f"sum({scope.of(spend.QUEST_SPEND, window=TODAY)} > bool {scope.of(allocation.ALLOCATION)})"


def spent_per_hour(scope: Scope, *by: str) -> str:
    """USD spent in the hour before each moment; credits do not make it negative."""
    return f"clamp_min({total(scope.change(spend.SPEND, SPAN), *by)}, 0)"


def impact_per_usd(scope: Scope, *by: str) -> str:
    """Impact of the judged tasks over what they cost; those that failed count in the cost."""
    return share(total(scope.of(efficiency.QUEST_IMPACT), *by), judged_usd(scope, *by))


def judged_usd(scope: Scope, *by: str) -> str:
    """USD that the judged tasks cost."""
    return total(scope.of(efficiency.QUEST_IMPACT_COST), *by)


def provider_impact_per_usd(scope: Scope, *by: str) -> str:
    """Impact brought by providers over what they were paid."""
    return share(total(scope.of(providers.IMPACT), *by), total(scope.of(providers.SPEND), *by))


def wasted_share(scope: Scope, *by: str) -> str:
    """Share of what the judged tasks cost that was wasted."""
    return share(f"({wasted_usd(scope, *by)})", judged_usd(scope, *by))


def wasted_usd(scope: Scope, *by: str) -> str:
    """USD of wasted tasks; 0 where tasks were judged and none was wasted."""
    return known_zero(total(scope.of(waste.QUEST_USD), *by), judged_usd(scope, *by))
