"""Why a panel has no data. Grafana writes a short text in a tile as large as a number, so none is short."""

from typing import Final

BUDGET_TODAY: Final = "no data: no budget was set for today"
PROJECTION_TODAY: Final = "no data: no budget was set for today, or too early"
COSTS: Final = "no data: there is no call in the ledger"
CALLS: Final = "no data: there is no call in this window"
TOKENS: Final = "no data: no call in this window has tokens"
TASKS: Final = "no data: no call in this window has a task"
IMPACT: Final = "no data: no task was judged in this window"
WASTE: Final = "no data: no task was wasted in this window"
HISTORY: Final = "no data: no spend in this time range; it starts with the first scrape"
TIMELINE: Final = "no data: there are no calls and no budgets"
EXPORTER: Final = "no data: the exporter cannot be scraped"
