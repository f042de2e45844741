"""Why a panel has no data. Grafana writes a short text in a tile as large as a number, so none is short."""

from typing import Final


def because(reason: str) -> str:
    """The text of a panel that shows what the exporter says now: without the exporter it is empty too."""
    return f"no data: {reason}, or exporter down"


BUDGET_TODAY: Final = because("no budget for today")
PROJECTION_TODAY: Final = because("no budget for today, too early")
COSTS: Final = because("no call in the ledger")
CALLS: Final = because("no call in this window")
TOKENS: Final = because("no call in this window has tokens")
TASKS: Final = because("no call in this window has a task")
IMPACT: Final = because("no task judged in this window")
WASTE: Final = because("no task wasted in this window")
TIMELINE: Final = because("neither calls nor budgets")
HISTORY: Final = "no data: no spend in this time range; it starts with the first scrape"
EXPORTER: Final = "no data: the exporter cannot be scraped"
