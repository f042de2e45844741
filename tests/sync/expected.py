"""What the rollups of a simulated ledger must hold: naive sums over its visible rows."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, date
from decimal import Decimal
from fractions import Fraction
from typing import Any

from exporter.calendar import Calendar
from exporter.rollups import Rollups
from exporter.rollups.ranges import KnownRange
from exporter.sync import ranges
from exporter.sync.progress import Progress
from tests.sync.simulated import Ledger, Row
from tests.sync.simulated_rows import checksum, key, occurred, rejection_reason

CALLS = """
SELECT day, task_id, quest_id, provider, model, sum(entries)::INTEGER, sum(calls)::INTEGER, sum(unpriced)::INTEGER, sum(usd),
       sum(credit_usd), sum(input_tokens)::INTEGER, sum(output_tokens)::INTEGER
  FROM costs LEFT JOIN tasks USING (task) JOIN quests USING (quest) JOIN models USING (model_key)
 WHERE task IS NOT NULL OR day NOT IN (FROM compacted_days) GROUP BY ALL HAVING sum(entries) <> 0
"""
TOTALS = """
SELECT day, quest_id, provider, model, sum(calls)::INTEGER, sum(usd)
  FROM cost_days JOIN quests USING (quest) JOIN models USING (model_key) GROUP BY ALL HAVING sum(entries) <> 0
"""
OUTCOMES = """
SELECT key, occurred_at, checksum, rejection_reason, task_id, CASE WHEN rejection_reason IS NULL THEN quest_id END,
       usd, tokens::INTEGER, impact
  FROM impacts LEFT JOIN tasks USING (task) LEFT JOIN quests USING (quest)
"""
TASKS = """
SELECT task_id, quest_id, task_totals.usd, task_totals.tokens::INTEGER, task_totals.impact
  FROM task_totals JOIN tasks USING (task) JOIN quests USING (quest)
"""
QUESTS = """
SELECT quest_id, sum(tasks)::INTEGER, sum(scored)::INTEGER, sum(impact), sum(usd), sum(tokens)::INTEGER
  FROM quest_outcome_totals JOIN quests USING (quest) GROUP BY ALL
"""
FIRST = "SELECT task_id FROM task_totals JOIN tasks USING (task) WHERE efficiency > 0 ORDER BY efficiency DESC, task_id LIMIT 1"
DROPPED = """
SELECT task_id FROM dropped_tasks JOIN (SELECT unnest(?::VARCHAR[]) AS task_id) ON digest = md5_number_lower(task_id)
"""
RANGES = "SELECT day, sum(entries)::INTEGER, sum(checksum)::BIGINT FROM ranges GROUP BY ALL"
REJECTED = "SELECT rejection_reason, sum(entries)::INTEGER FROM rejected GROUP BY ALL"
Facts = dict[str, Counter[Any]]
Task = tuple[str, Decimal, int, Decimal | None]
"""The quest of a task, and its USD, tokens and impact."""


def compacted(rollups: Rollups) -> set[str]:
    """The tasks whose calls and outcomes are not kept one by one."""
    return {task for (task,) in rollups.connection.execute("SELECT task_id FROM tasks WHERE month IS NOT NULL").fetchall()}


def compacted_days(rollups: Rollups) -> set[date]:
    """The days of which calls without a task are not kept by range."""
    return {day for (day,) in rollups.connection.execute("FROM compacted_days").fetchall()}


def dropped(rollups: Rollups, ledger: Ledger) -> set[str]:
    """The tasks of a ledger that are not kept at all, but for a digest."""
    names = [row.task_id for row in ledger.rows.values() if row.task_id]
    return {task for (task,) in rollups.connection.execute(DROPPED, [names]).fetchall()}


def found(rollups: Rollups, ledger: str) -> Facts:
    """What the rollups hold, with how often each row is there."""
    queries = {"ranges": RANGES, "rejected": REJECTED}
    of_costs, of_impacts = {"calls": CALLS, "totals": TOTALS}, {"outcomes": OUTCOMES, "tasks": TASKS, "quests": QUESTS}
    queries |= of_costs if ledger == "costs" else of_impacts | {"first": FIRST}
    return {name: Counter(rollups.connection.execute(query).fetchall()) for name, query in queries.items()}


def expected(
    ledger: Ledger, calendar: Calendar, compacted: Collection[str], dropped: Collection[str], days: Collection[date]
) -> Facts:
    """What they should hold of all visible rows, where some tasks and days are compacted, and some tasks even dropped."""
    today = calendar.day_of(ledger.now)
    rows = [(calendar.day_of(at), row) for row in ledger.rows.values() if (at := occurred(row))]
    rows = [(day, row) for day, row in rows if day <= today]
    good = [(day, row) for day, row in rows if rejection_reason(row, ledger.name) is None]
    facts = {"ranges": _ranges(rows, ledger.name), "rejected": _rejected(ledger, [row for _, row in rows])}
    return facts | (
        _costs(good, {*compacted, *dropped}, days)
        if ledger.name == "costs"
        else _impacts([row for _, row in rows], [row for _, row in good], {*compacted, *dropped}, dropped)
    )


def differing_rows(ledger: Ledger, known: Iterable[KnownRange], calendar: Calendar) -> int:
    """How many visible rows are in ranges that are not what is known of them, or in gaps."""
    spans = [(ranges.span(calendar, each), each) for each in known]
    count, inside = 0, set[object]()
    for span, each in spans:
        rows = [row for row in ledger.rows.values() if row.occurred_at and span.start <= row.occurred_at < span.end]
        inside |= {row.id for row in rows}
        same = (len(rows), sum(checksum(row, ledger.name) for row in rows)) == (each.entries, each.checksum)
        count += 0 if same else len(rows)
    return count + sum(1 for row in ledger.rows.values() if occurred(row) and row.id not in inside)


def pending(ledger: Ledger, progress: Progress) -> set[int]:
    """The ids that must be remembered: visible, above the low watermark, and counted."""
    low, high = progress.low or 0, progress.high or 0
    return {number for number in ledger.rows if isinstance(number, int) and low < number <= high}


def _ranges(rows: list[tuple[date, Row]], ledger: str) -> Counter[Any]:
    days = {day: [row for each, row in rows if each == day] for day, _ in rows}
    sums = ((day, len(of), sum(checksum(row, ledger) for row in of)) for day, of in days.items())
    return Counter(sums)


def _rejected(ledger: Ledger, rows: list[Row]) -> Counter[Any]:
    reasons = Counter(reason for row in rows if (reason := rejection_reason(row, ledger.name)))
    reasons["missing_occurred_at"] = sum(1 for row in ledger.rows.values() if row.occurred_at is None)
    reasons["not_finite"] += sum(1 for row in ledger.rows.values() if row.occurred_at and row.occurred_at.year in (1, 9999))
    return Counter(item for item in reasons.items() if item[1])


def _costs(rows: list[tuple[date, Row]], compacted: Collection[str], days: Collection[date]) -> Facts:
    calls, totals = dict[Any, list[Row]](), dict[Any, list[Row]]()
    for day, row in rows:
        model = (row.quest_id or "unassigned", row.provider or "", row.model or "")
        if row.task_id not in compacted if row.task_id else day not in days:
            calls.setdefault((day, row.task_id, *model), []).append(row)
        totals.setdefault((day, *model), []).append(row)
    return {
        "calls": Counter((*keys, *_sums(of)) for keys, of in calls.items()),
        "totals": Counter((*keys, len(of), _usd(of)) for keys, of in totals.items()),
    }


def _sums(rows: list[Row]) -> tuple[object, ...]:
    usd = [row.cost_usd for row in rows if row.cost_usd is not None]
    tokens = (sum(row.input_tokens or 0 for row in rows), sum(row.output_tokens or 0 for row in rows))
    unpriced = _calls(row for row in rows if row.cost_usd is None)
    return len(rows), _calls(rows), unpriced, _usd(rows), sum((each for each in usd if each < 0), Decimal(0)), *tokens


def _calls(rows: Iterable[Row]) -> int:
    return sum(1 if row.calls is None else row.calls for row in rows)


def _usd(rows: list[Row]) -> Decimal:
    return sum((row.cost_usd or Decimal(0) for row in rows), Decimal(0))


def _impacts(rows: list[Row], good: list[Row], compacted: Collection[str], dropped: Collection[str]) -> Facts:
    tasks = {row.task_id: _task([each for each in good if each.task_id == row.task_id]) for row in good}
    return {
        "outcomes": Counter(_outcome(row) for row in rows if row not in good or row.task_id not in compacted),
        "tasks": Counter((task, *found) for task, found in tasks.items() if task not in dropped),
        "quests": _quests([*tasks.values()]),
        "first": _first(tasks),
    }


def _quests(tasks: Sequence[Task]) -> Counter[Any]:
    quests = {quest: [each for each in tasks if each[0] == quest] for quest, *_ in tasks}
    return Counter((quest, len(of), *_brought(of)) for quest, of in quests.items())


def _brought(tasks: Sequence[Task]) -> tuple[object, ...]:
    scores = [impact for *_, impact in tasks if impact is not None]
    usd, tokens = sum((each for _, each, _, _ in tasks), Decimal(0)), sum(each for _, _, each, _ in tasks)
    return len(scores), sum(scores, Decimal(0)), usd, tokens


def _first(tasks: Mapping[str | None, Task]) -> Counter[Any]:
    """The task with the most impact per USD."""
    ratios = {(-Fraction(impact) / Fraction(usd), task) for task, (_, usd, _, impact) in tasks.items() if impact and usd > 0}
    return Counter((task,) for _, task in sorted(each for each in ratios if each[0] < 0)[:1])


def _outcome(row: Row) -> tuple[object, ...]:
    at = occurred(row)
    reason, quest = rejection_reason(row, "impacts"), row.quest_id or "unassigned"
    said = (key(row), at and at.astimezone(UTC).replace(tzinfo=None), checksum(row, "impacts"), reason, row.task_id)
    if reason:
        return *said, None, None, None, None
    return *said, quest, row.cost_usd, row.total_tokens, row.impact_score


def _task(rows: list[Row]) -> Task:
    latest = max(rows, key=lambda row: (row.occurred_at, row.id))
    scores = [row.impact_score for row in rows if row.impact_score is not None]
    tokens = sum(row.total_tokens or 0 for row in rows)
    return latest.quest_id or "unassigned", _usd(rows), tokens, sum(scores, Decimal(0)) if scores else None
