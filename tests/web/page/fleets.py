"""Snapshots of fleets of any size, for tests of what the page looks like."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from exporter.metrics import Family, Labels, Metric
from exporter.sections import allocation, budgets, efficiency, providers, spend, utilization, waste
from exporter.snapshot import LedgerStatus, Snapshot

NOW = datetime(2026, 11, 20, 15, 0, 5, tzinfo=UTC)
WINDOWS = ("1d", "7d", "30d", "lifetime")
LONG = "a_name_that_is_a_single_word_" * 2
LAYERS = ("Agora", "Atlas", "Exchange", "Forge", "Senate", LONG)
PROVIDERS = ("Bedrock", "Codex", "GLM", "MiniMax", "acme.internal-gateway.example")
TASK = "Summarise the methods section of a paper on protein folding intermediates, part"
IMPACT = (*efficiency.METRICS, *waste.METRICS, providers.IMPACT, providers.WASTED)
NO_IMPACTS = {metric.name: "No impacts ledger is configured." for metric in IMPACT}
LEDGERS = tuple(
    LedgerStatus(name, up=name != "quests", newest_entry=NOW, last_success=NOW)
    for name in ("allocations", "budgets", "costs", "impacts", "quests")
)
EMPTY = Snapshot(NOW, (), LEDGERS)
UNKNOWN = Snapshot(NOW, (), LEDGERS, {metric.name: "The costs ledger has not been read yet." for metric in providers.METRICS})


def fleet(size: int, *, impacts: bool = True) -> Snapshot:
    """So many quests: every third is over budget, every tenth has one without an end, or none. Every third day is over too."""
    quests = [(f"q{at}", LONG if at in {1, 2} else f"Quest of the guild {at}", LAYERS[at % len(LAYERS)]) for at in range(size)]
    families = (*_budgets(quests), *_days(), *_providers(), *(_impacts(quests) if impacts else ()))
    return Snapshot(NOW, families, LEDGERS, {} if impacts else NO_IMPACTS)


def _budgets(quests: Sequence[Labels]) -> list[Family]:
    allocated = {quest: 1234.5 / (at + 1) for at, quest in enumerate(quests) if at % 10 != 9}
    spent = {quest: allocated.get(quest, 7.0) * (4.05 if at % 3 == 0 else 0.6) for at, quest in enumerate(quests)}
    days, months = [(*quest, "day") for quest in allocated], [(*quest, "month") for quest in quests[::2]]
    opened = [(*quest, "open") for quest in quests[19::20]]
    used = [(key, 8000.0 + 1000 * (at % 4)) for at, key in enumerate([*months, *opened])]
    return [
        Family(allocation.ALLOCATION, list(allocated.items())),
        Family(spend.QUEST_SPEND, [((*quest, window), usd) for quest, usd in spent.items() for window in WINDOWS]),
        Family(spend.PROJECTED, [(quest, usd * 1.5) for quest, usd in spent.items()]),
        Family(budgets.BUDGET, [*zip(days, allocated.values(), strict=True), *((key, 9000.0) for key in [*months, *opened])]),
        Family(
            budgets.SPEND,
            [*((key, spent[key[:3]]) for key in days), *used],
        ),
        Family(budgets.PROJECTED, [(key, 12000.0) for key in months]),
        Family(budgets.END, [(key, (NOW + timedelta(days=10)).timestamp()) for key in months]),
    ]


def _days() -> list[Family]:
    days = [((NOW.date() - timedelta(days=back)).isoformat(), "Forge") for back in range(30)]
    return [
        Family(utilization.DAY_ALLOCATION, [(day, 1000.0 + 200 * (at % 7)) for at, day in enumerate(days) if at != 11]),
        Family(utilization.DAY_SPEND, [(day, 2000.0 if at % 3 == 0 else 700.0) for at, day in enumerate(days)]),
    ]


def _providers() -> list[Family]:
    amounts = {providers.SPEND: 12345.67, providers.CALLS: 98765.0, providers.TASKS: 4321.0, providers.UNPRICED: 12.0}
    tokens = [(name, kind) for name in PROVIDERS for kind in ("input", "output")]
    return [
        *(_in_all_windows(metric, [(name,) for name in PROVIDERS], amount) for metric, amount in amounts.items()),
        _in_all_windows(providers.TOKENS, tokens, 1234567890.0),
    ]


def _impacts(quests: Sequence[Labels]) -> list[Family]:
    tasks = [(f"task-{at}", f"{TASK} {at}", *quests[at % len(quests)]) for at in range(20)]
    by_reason = [(*quest, reason) for quest in quests for reason in ("low_impact", "unscored")]
    keys: tuple[tuple[Sequence[Metric], Sequence[Labels]], ...] = (
        ((providers.IMPACT, providers.WASTED), [(name,) for name in PROVIDERS]),
        (efficiency.METRICS[2:], tasks),
        (waste.METRICS[:3], by_reason),
        (waste.METRICS[3:], [(*task, "unscored") for task in tasks]),
    )
    return [_in_all_windows(metric, labels, 12345.67) for metrics, labels in keys for metric in metrics]


def _in_all_windows(metric: Metric, keys: Sequence[Labels], amount: float) -> Family:
    """The amount is divided by the place of the key, so that there is an order."""
    return Family(metric, [((*key, window), amount / (at + 1)) for at, key in enumerate(keys) for window in WINDOWS])
