"""Allocation, spend and providers of the naive model: one loop over all rows for each metric.

Where the written definitions are ambiguous, the simplest reading is used:

- A quest is shown if any of the four ledgers has a row about it, up to today; its spend may be 0.
- The layers of the timeline are those of the quests that are shown.
- Sums ignore NULLs, and are 0 if there are only NULLs.
- The history of the projection is counted from the day of the first call to yesterday.
- Without calls, the projection divides by the elapsed share of the day.
- The time of day of the projection is the local clock time.
- Without a column for the quest, only the quest ``unassigned`` has spend metrics.
- Credits are not part of the usual course of a day, and the projection is not below the spend of the day.
"""

from datetime import UTC, date, datetime, time, timedelta
from fractions import Fraction

from tests.integration.books import Budget, Call, period
from tests.integration.page import Amount, Page, sums
from tests.integration.rules import QUEST, Reading

Spent = list[tuple[tuple[str, str, str], date, Amount]]


def allocation(page: Page, reading: Reading) -> None:
    """Allocation and reported spend of today, and the allocation of the days of the timeline."""
    known = _allocated(reading)
    known = [each for each in known if each[2] is not None]
    today = sums((quest, amount) for quest, day, amount in known if day == reading.today)
    for quest, amount in today.items():
        page.put("resource_quest_allocation_usd", QUEST, quest, amount)
    reported = [row for row in reading.allocations if row.spent_usd is not None and reading.day(row) == reading.today]
    for quest, amount in sums((reading.quest(row.quest_id), row.spent_usd) for row in reported).items():
        page.put("resource_quest_reported_spend_usd", QUEST, quest, amount)
    line = [(day, quest[2], amount) for quest, day, amount in known if reading.inside(day, reading.settings.timeline_days)]
    for (day, layer), amount in sums(((day, layer), amount) for day, layer, amount in line).items():
        page.put("resource_day_allocation_usd", ("day", "layer"), (day.isoformat(), layer), amount)


def _allocated(reading: Reading) -> Spent:
    """What each quest may spend on a day; without allocations, the share of a day in its budgets with the fewest days."""
    if reading.books.allocations is not None:
        return [(reading.quest(row.quest_id), reading.day(row), row.allocated_usd) for row in reading.allocations]
    found: Spent = []
    for day in (reading.today - timedelta(days=back) for back in range(reading.settings.timeline_days)):
        held = [row for row in reading.books.budgets or () if row.ends_on and row.starts_on <= day <= row.ends_on]
        held = [row for row in held if not any(_later(each, row) for each in held)]
        for row in held:
            days = {each: (each.ends_on or day) - each.starts_on for each in held if each.quest_id == row.quest_id}
            if days[row] == min(days.values()) and row.budget_usd is not None:
                found.append((reading.quest(row.quest_id), day, Fraction(row.budget_usd) / (days[row].days + 1)))
    return found


def _later(one: Budget, other: Budget) -> bool:
    """Whether a budget of the same quest and period began later."""
    names = [(each.quest_id, each.period or period(each.starts_on, each.ends_on)) for each in (one, other)]
    return names[0] == names[1] and one.starts_on > other.starts_on


def quest_spend(page: Page, reading: Reading) -> None:
    """Spend per quest and window, on the timeline, and the projection of today."""
    unmapped = reading.books.unmapped
    if reading.books.costs is None and (reading.books.allocations is None or "allocations.spent_usd" in unmapped):
        return
    amounts, rows = spent(reading), reading.calls if "costs.quest_id" in unmapped else reading.rows()
    shown = {reading.quest(row.quest_id) for row in rows}
    for window, days in reading.settings.windows.items():
        totals = sums((quest, amount) for quest, day, amount in amounts if reading.inside(day, days))
        for quest in shown:
            page.put("resource_quest_spend_usd", (*QUEST, "window"), (*quest, window), totals.get(quest, Fraction()))
    _timeline(page, reading, amounts, {layer for _, _, layer in shown})
    if reading.now - midnight(reading, reading.today) >= timedelta(minutes=30):
        share = usual_share(reading) or elapsed(reading)
        totals = sums((quest, amount) for quest, day, amount in amounts if day == reading.today)
        for quest in shown:
            today = totals.get(quest, Fraction())
            page.put("resource_quest_projected_spend_usd", QUEST, quest, max(today, today / share))


def spent(reading: Reading) -> Spent:
    """Spend by quest and day, from the calls; if costs are not configured, as reported in the allocations."""
    if reading.books.costs is not None:
        return [(reading.quest(row.quest_id), reading.day(row), row.cost_usd) for row in reading.calls]
    return [(reading.quest(row.quest_id), reading.day(row), row.spent_usd) for row in reading.allocations]


def _timeline(page: Page, reading: Reading, spent: Spent, layers: set[str]) -> None:
    totals = sums(((day, quest[2]), amount) for quest, day, amount in spent)
    for layer in layers:
        for back in range(reading.settings.timeline_days):
            day = reading.today - timedelta(days=back)
            amount = totals.get((day, layer), Fraction())
            page.put("resource_day_spend_usd", ("day", "layer"), (day.isoformat(), layer), amount)


def spend(page: Page, reading: Reading) -> None:
    """Lifetime spend, calls and tokens by quest, provider and model."""
    names = (*QUEST, "provider", "model")
    calls = [((*reading.quest(row.quest_id), reading.provider(row), reading.model(row)), row) for row in reading.calls]
    for key, amount in sums((key, row.cost_usd) for key, row in calls).items():
        page.put("resource_spend_usd", names, key, amount)
    for key, count in sums((key, _calls(row)) for key, row in calls).items():
        page.put("resource_calls", names, key, count)
    for kind in kinds(reading):
        for key, amount in sums((key, getattr(row, f"{kind}_tokens")) for key, row in calls).items():
            page.put("resource_tokens", (*names, "token_type"), (*key, kind), amount)


def kinds(reading: Reading) -> list[str]:
    """The token types that are configured."""
    return [kind for kind in ("input", "output") if f"costs.{kind}_tokens" not in reading.books.unmapped]


def elapsed(reading: Reading) -> Fraction:
    """The elapsed share of today."""
    begin, end = midnight(reading, reading.today), midnight(reading, reading.today + timedelta(days=1))
    tick = timedelta(microseconds=1)
    return Fraction((reading.now - begin) // tick, (end - begin) // tick)


def midnight(reading: Reading, day: date) -> datetime:
    return datetime.combine(day, time(), reading.settings.zone).astimezone(UTC)


def usual_share(reading: Reading) -> Fraction | None:
    """The usual share of a day's spend by this time; None if the history is too short or the share too small."""
    if "costs.occurred_at" in reading.books.unmapped:
        return None
    zone, today = reading.settings.zone, reading.today
    first = min((reading.day(row) for row in reading.calls), default=today)
    before = [row for row in reading.calls if 1 <= (today - reading.day(row)).days <= 28]
    by_hour = sums((reading.time(row).hour, row.cost_usd) for row in before if row.cost_usd and row.cost_usd > 0)
    total, clock = sum(by_hour.values()), reading.now.astimezone(zone)
    if (today - first).days < 7 or total <= 0:
        return None
    within = Fraction(clock.minute * 60 + clock.second, 3600) + Fraction(clock.microsecond, 3_600_000_000)
    reached = sum(by_hour.get(hour, 0) for hour in range(clock.hour)) + by_hour.get(clock.hour, 0) * within
    return reached / total if reached / total >= Fraction(2, 100) else None


def _calls(row: Call) -> int:
    """How many calls a row stands for."""
    return 1 if row.calls is None else row.calls


def providers(page: Page, reading: Reading) -> None:
    """Spend, calls, tokens and tasks by provider, and spend by model."""
    for window, days in reading.settings.windows.items():
        _provider_window(page, reading, window, days)


def _provider_window(page: Page, reading: Reading, window: str, days: int) -> None:
    calls = [(reading.provider(row), reading.inside(reading.day(row), days), row) for row in reading.calls]
    tasks = {(provider, row.task_id) for provider, inside, row in calls if inside and row.task_id}
    columns = {
        "spend_usd": sums((provider, row.cost_usd if inside else 0) for provider, inside, row in calls),
        "calls": sums((provider, inside * _calls(row)) for provider, inside, row in calls),
        "unpriced_calls": sums((provider, inside * (row.cost_usd is None) * _calls(row)) for provider, inside, row in calls),
        "tasks": sums([*((provider, 0) for provider, _, _ in calls), *((provider, 1) for provider, _ in tasks)]),
    }
    if "costs.task_id" in reading.books.unmapped:
        del columns["tasks"]
    for column, amounts in columns.items():
        for provider, amount in amounts.items():
            page.put(f"resource_provider_{column}", ("provider", "window"), (provider, window), amount)
    for kind in kinds(reading):
        tokens = sums((each, getattr(row, f"{kind}_tokens") if inside else 0) for each, inside, row in calls)
        for provider, amount in tokens.items():
            page.put("resource_provider_tokens", ("provider", "token_type", "window"), (provider, kind, window), amount)
    if "costs.model" in reading.books.unmapped:
        return
    models = sums(((provider, reading.model(row)), row.cost_usd if inside else 0) for provider, inside, row in calls)
    for key, amount in models.items():
        page.put("resource_model_spend_usd", ("provider", "model", "window"), (*key, window), amount)
