"""The notes of each section of the page: that a table is empty, and why something is unknown."""

from collections.abc import Mapping
from dataclasses import dataclass

from exporter.metrics import Metric
from exporter.sections import allocation, budgets, efficiency, providers, spend, utilization, waste


@dataclass(frozen=True, slots=True)
class Notes:
    """``missing``: sentences that say what is unknown, and why. ``empty``: the text in place of the rows of an empty table."""

    empty: str
    missing: str


@dataclass(frozen=True, slots=True)
class _Shown:
    """What a section shows. An empty table has the text ``nothing`` only if all metrics in ``rows`` are known."""

    nothing: str
    rows: tuple[Metric, ...]
    columns: tuple[Metric, ...] = ()
    labels: tuple[str, ...] = ()


_SECTIONS = {
    "allocation": _Shown(
        "No budget and no spend today.",
        (allocation.ALLOCATION, spend.QUEST_SPEND),
        (spend.PROJECTED,),
        ("quest_id", "hour"),
    ),
    "budgets": _Shown("No budget holds today.", (budgets.BUDGET,), (budgets.SPEND, budgets.PROJECTED)),
    "efficiency": _Shown("No task with a cost and an impact.", (efficiency.TOP_IMPACT_PER_USD,)),
    "utilization": _Shown("No day with a budget or spend.", (utilization.DAY_ALLOCATION, utilization.DAY_SPEND)),
    "providers": _Shown(
        "No calls.", (providers.SPEND,), (providers.TASKS, providers.TOKENS, providers.IMPACT, providers.WASTED)
    ),
    "waste": _Shown("Nothing was wasted.", (waste.QUEST_USD,)),
}


def notes(absent: Mapping[str, str]) -> dict[str, Notes]:
    """The notes of each section, from the reasons why metrics and labels are absent, by their names."""
    return {name: _notes(shown, absent) for name, shown in _SECTIONS.items()}


def _notes(shown: _Shown, absent: Mapping[str, str]) -> Notes:
    names = (*(metric.name for metric in shown.rows + shown.columns), *shown.labels)
    missing = " ".join(dict.fromkeys(absent[name] for name in names if name in absent))
    known = not any(metric.name in absent for metric in shown.rows)
    return Notes(f"{shown.nothing} {missing}".strip() if known else missing, missing)
