"""The tiles at the top of the page: one number each, or why it is unknown."""

from collections.abc import Mapping
from dataclasses import dataclass

from exporter.sections import allocation, budgets, spend, waste
from exporter.web.page import format as shown
from exporter.web.page.lookup import Lookup
from exporter.web.page.quests import over_budget
from exporter.web.page.rows import QuestRow, Use, WasteRow


@dataclass(frozen=True, slots=True)
class Tile:
    """A number as text, None where it is unknown. ``detail`` qualifies it, or says why it is unknown."""

    name: str
    value: str | None
    detail: str = ""
    bad: bool = False


def tiles(lookup: Lookup, today: QuestRow, wasted: WasteRow, window: str, absent: Mapping[str, str]) -> tuple[Tile, ...]:
    """Return the tiles. ``today`` is the total of today's allocations, ``absent`` has the reasons why metrics are unknown."""
    return (
        _money("Allocated today", today.allocated, absent.get(allocation.ALLOCATION.name, "Nothing is allocated today.")),
        _spent(today, absent),
        _money("Projected today", today.projected, absent.get(spend.PROJECTED.name, "No spend yet, or too early in the day.")),
        _over(lookup, absent),
        _wasted(wasted, window, absent),
    )


def _money(name: str, usd: float | None, unknown: str) -> Tile:
    return Tile(name, None, unknown) if usd is None else Tile(name, shown.money(usd))


def _spent(today: QuestRow, absent: Mapping[str, str]) -> Tile:
    if today.spent is None or today.used is None:
        return _money("Spent today", today.spent, absent.get(spend.QUEST_SPEND.name, "No spend today."))
    return Tile("Spent today", shown.money(today.spent), f"{shown.percent(today.used)} of budget", bad=today.use is Use.OVER)


def _over(lookup: Lookup, absent: Mapping[str, str]) -> Tile:
    found = over_budget(lookup)
    if found is None:
        reasons = (absent[metric.name] for metric in (budgets.BUDGET, budgets.SPEND) if metric.name in absent)
        return Tile("Over budget", None, next(reasons, "No budget holds today."))
    over, known = found
    return Tile("Over budget", shown.count(over), f"of {shown.count(known)} quest{'s' if known > 1 else ''}", bad=over > 0)


def _wasted(wasted: WasteRow, window: str, absent: Mapping[str, str]) -> Tile:
    name = f"Wasted, {shown.span(window)}"
    unknown = absent.get(waste.QUEST_USD.name, "")
    return Tile(name, None, unknown) if wasted.cost is None else Tile(name, shown.money(wasted.cost), bad=wasted.cost > 0)
