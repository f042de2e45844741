"""Sums of calls by window, kept in memory from report to report: a call that is added costs itself, and no query."""

from collections.abc import Iterable
from datetime import date, timedelta
from decimal import Decimal

from exporter.columns import COST_SUMS, listed
from exporter.report.context import TOKEN_TYPES, ReportContext, Row, add_to

Sums = tuple[Decimal, ...]
"""The sums of :data:`exporter.columns.COST_SUMS`, in their order."""
Cell = tuple[int, int]
"""A quest and a model, by their numbers."""

NAMES = [each.name for each in COST_SUMS]
ENTRIES, CALLS, UNPRICED, USD = map(NAMES.index, ("entries", "calls", "unpriced", "usd"))
TOKENS = {kind: NAMES.index(f"{kind}_tokens") for kind in TOKEN_TYPES}
"""Where each of them is in :data:`Sums`."""
COURSE_DAYS = timedelta(days=28)

_SUMS = listed(COST_SUMS, "sum({name})")
_CELLS = f"SELECT quest, model_key, {_SUMS} FROM {{costs}} GROUP BY ALL HAVING sum(entries) <> 0"
_MODELS = f"SELECT '{{window}}', model_key, {_SUMS} FROM {{costs}} WHERE day >= DATE '{{first}}' GROUP BY ALL"
_QUESTS = "SELECT '{window}', quest, sum(usd) FROM ({spent}) WHERE day >= DATE '{first}' GROUP BY ALL"
_DAYS = "SELECT day, quest, sum(usd) FROM ({spent}) WHERE day >= $first GROUP BY ALL"
_OWED = """
SELECT first, sum(usd) FROM (SELECT quest, sum(usd) AS usd FROM ({spent}) WHERE day = $today GROUP BY quest)
  JOIN quest_groups USING (quest) WHERE usd < 0 GROUP BY first
"""
# The usual course of a day, and since when there are costs.
_COURSE = "SELECT day, hour, positive_usd FROM hourly_costs WHERE day >= $first AND day < $today"
_FIRST_DAY = "SELECT min(day) FROM (SELECT day FROM daily_costs WHERE day < $today GROUP BY day HAVING sum(entries) <> 0)"
_CALLED = "SELECT day, quest, usd FROM {costs}"
_FOLDED = f"""
(SELECT day, q.first AS quest, m.first AS model_key, {listed(COST_SUMS)}
   FROM daily_costs JOIN quest_groups AS q USING (quest) JOIN model_groups AS m USING (model_key))
"""
_FOLDED_REPORTED = "SELECT day, first AS quest, usd FROM ({reported}) JOIN quest_groups USING (quest)"
# Where there is no ledger of costs, spend is what the allocation ledger reports.
_REPORTED = "SELECT day, quest, spent_usd AS usd FROM allocations WHERE spent_usd IS NOT NULL"


def called(context: ReportContext) -> str:
    """The query of ``day, quest, usd`` that tells what quests spend: their calls, or what the allocation ledger reports."""
    return _CALLED.format(costs="daily_costs") if "costs" in context.config.ledgers else _REPORTED


class CostSums:
    """Sums of calls: ``cells`` over the lifetime, ``models`` and ``quests`` by window, and ``days`` of the timeline by quest.

    Quests and models are given by their numbers. ``course`` is what was billed in each hour on the clock of the last 28 days,
    without credits; ``first_day`` is since when there are calls, None if that is today.
    """

    def __init__(self, context: ReportContext, *, folding: bool) -> None:
        """Sum up what the rollups hold; where labels are folded, by one quest and model of each label."""
        self._windows, self._first, self._today = context.windows, context.timeline[0], context.today
        costs = _FOLDED if folding else "daily_costs"
        reported = _FOLDED_REPORTED.format(reported=_REPORTED) if folding else _REPORTED
        spent = _CALLED.format(costs=costs) if "costs" in context.config.ledgers else reported
        by_window = [" UNION ALL ".join(_each(query, context, costs, spent)) for query in (_MODELS, _QUESTS)]
        self.cells: dict[Cell, Sums] = {row[:2]: row[2:] for row in context.rows(_CELLS.format(costs=costs))}
        self.models: dict[tuple[str, int], Sums] = {row[:2]: row[2:] for row in context.rows(by_window[0])}
        self.quests: dict[tuple[str, int], Decimal] = {row[:2]: row[2] for row in context.rows(by_window[1])}
        days = context.rows(_DAYS.format(spent=spent), first=self._first)
        self.days: dict[tuple[date, int], Decimal] = {row[:2]: row[2] for row in days}
        # For a label of several quests: the sum over the quests whose spend today is negative, because of credits.
        owed = context.rows(_OWED.format(spent=called(context)), today=self._today) if folding else []
        self.owed: dict[int, Decimal] = dict(owed)
        self._find_course(context)

    def add(self, context: ReportContext, changes: Iterable[Row]) -> None:
        """Add rows of ``(day, quest, model_key, *sums)``; the sums of what was taken away are negative."""
        past = False
        for day, quest, model, *sums in changes:
            past = past or day < self._today
            add_to(self.cells, (quest, model), tuple(sums))
            if not self.cells[quest, model][ENTRIES]:
                del self.cells[quest, model]
            for window in (name for name, first in self._windows.items() if day >= first):
                add_to(self.models, (window, model), tuple(sums))
                self.quests[window, quest] = self.quests.get((window, quest), Decimal(0)) + sums[USD]
            if day >= self._first:
                self.days[day, quest] = self.days.get((day, quest), Decimal(0)) + sums[USD]
        if past:
            self._find_course(context)

    def _find_course(self, context: ReportContext) -> None:
        self.course = [Decimal(0)] * 24
        for day, hour, usd in context.rows(_COURSE, first=self._today - COURSE_DAYS, today=self._today):
            self.course[context.calendar.clock_hour(day, hour)] += usd
        self.first_day: date | None = context.rows(_FIRST_DAY, today=self._today)[0][0]


def _each(query: str, context: ReportContext, costs: str, spent: str) -> Iterable[str]:
    return (query.format(window=name, first=first, costs=costs, spent=spent) for name, first in context.windows.items())
