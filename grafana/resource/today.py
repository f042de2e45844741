"""Today: eight numbers, one in each tile, in two rows of four."""

from exporter.palette import ALLOCATED, SPENT
from grafana import absent, measures, status, theme
from grafana.layout import Tile
from grafana.panels import Panel, Query, Words, number
from grafana.queries import share
from grafana.resource.scope import SCOPE


def tiles() -> list[Tile]:
    """The strip at the top."""
    strip = (_allocated(), _spent(), _used(), _end_of_day(), _over_budget(), _impact(), _wasted())
    return [status.tile(), *(Tile(panel, 6, 3) for panel in strip)]


def _allocated() -> Panel:
    words = Words(
        "Allocated today",
        "USD that all chosen quests may spend today. Change it in the allocations ledger.",
        absent.BUDGET_TODAY,
    )
    return number(words, theme.USD, Query(measures.allocated(SCOPE)), color=ALLOCATED)


def _spent() -> Panel:
    words = Words(
        "Spent today", "USD billed today, including quests without a budget. Compare it with the allocation.", absent.COSTS
    )
    return number(words, theme.USD, Query(measures.spent(SCOPE)), color=SPENT)


def _used() -> Panel:
    words = Words(
        "Budget used",
        "Spent share of today's allocation. Above 80 %, Budget allocation below shows the quests behind it.",
        absent.BUDGET_TODAY,
    )
    return number(words, theme.SHARE, Query(measures.budget_used(SCOPE)), color=theme.BUDGET_USED)


def _end_of_day() -> Panel:
    words = Words(
        "End of the day",
        "Projected spend at the end of the day as a share of the allocation. Above 100 %, slow a quest down or allocate more."
        " Absent in the first half hour of the day.",
        absent.PROJECTION_TODAY,
    )
    projected = Query(share(measures.projected(SCOPE), measures.allocated(SCOPE)))
    return number(words, theme.SHARE, projected, color=theme.BUDGET_USED)


def _over_budget() -> Panel:
    words = Words(
        "Over budget",
        "Quests that have spent more than their allocation today. They come first in Budget used, by quest, below.",
        absent.BUDGET_TODAY,
    )
    return number(words, theme.COUNT, Query(measures.quests_over_budget(SCOPE)), color=theme.ANY_IS_BAD)


def _impact() -> Panel:
    words = Words(
        "Impact per $1",
        "Impact of the judged tasks divided by their cost, failed tasks included. Higher is better.",
        absent.IMPACT,
    )
    return number(words, theme.SCORE, Query(measures.impact_per_usd(SCOPE)), decimals=2)


def _wasted() -> Panel:
    words = Words(
        "Wasted share",
        "Wasted share of the cost of all judged tasks. Above 10 %, check the reasons and quests in Wasted resources below.",
        absent.IMPACT,
    )
    return number(words, theme.SHARE, Query(measures.wasted_share(SCOPE)), color=theme.BAD_SHARE)
