"""Sums of judged tasks by window, kept in memory from report to report: a late score costs its task."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal

from exporter.report.context import Key, ReportContext, Row, add_to
from exporter.report.rankings import WindowTask
from exporter.rollups.changes import TotalChanges

Judged = tuple[int, int, Decimal, Decimal, int]
"""Tasks, how many of them are scored, and their impact, USD and tokens."""
TASKS, SCORED, IMPACT, USD, TOKENS = range(5)
Credit = tuple[int, int, Decimal, Decimal]
"""What tasks bring to a provider: how many they are, how many are scored, their impact, and the USD that was wasted."""
WASTED = 3

# All windows end now, so the latest outcome of a task that was judged in a window is in the window: it says of which quest the
# task is. Where no outcome tells what a task cost, its calls do, all of them.
_RECENT_TASKS = """
SELECT *, waste_reason(tokens, impact) AS reason, efficiency(impact, usd) AS efficiency
  FROM (SELECT time_window, task, any_value(total.quest) AS quest,
               CASE WHEN any_value(own_usd) THEN coalesce(sum(outcome.usd), 0) ELSE any_value(total.usd) END AS usd,
               CASE WHEN any_value(own_tokens) THEN coalesce(sum(outcome.tokens), 0) ELSE any_value(total.tokens) END AS tokens,
               sum(outcome.impact) AS impact
          FROM (FROM outcomes WHERE day >= DATE '{earliest}' AND {tasks}) AS outcome
          JOIN {totals} AS total USING (task) JOIN {windows} ON day >= first
         GROUP BY time_window, task)
"""
_RECENT_CREDITS = """
SELECT time_window, task, family, (impact::DOUBLE * coalesce(share, 1))::DECIMAL(38, 15) AS impact,
       (CASE WHEN reason IS NULL THEN 0 ELSE usd::DOUBLE * coalesce(share, 1) END)::DECIMAL(38, 15) AS wasted_usd
  FROM {recent} LEFT JOIN (FROM task_providers WHERE share > 0 AND {tasks}) AS paid USING (task)
"""
_DIRTY = "task IN (SELECT task FROM unreported_tasks)"
# What is asked of them several times is looked up among all tasks once. Of a task that is no more, all but the number is NULL.
_UNREPORTED = """
CREATE OR REPLACE TEMP TABLE unreported_tasks AS
SELECT task, quest, usd, tokens, impact, reason, efficiency, own_usd, own_tokens
  FROM (SELECT unnest($tasks::INTEGER[]) AS task) LEFT JOIN task_totals USING (task)
"""
_UNREPORTED_RECENT = "CREATE OR REPLACE TEMP TABLE unreported_recent AS {query}"
_LIFETIME = "SELECT '{window}' AS time_window, task, quest, usd, tokens, impact, reason, efficiency FROM {totals}"
_JUDGED = "count(*), count(impact), coalesce(sum(impact), 0), sum({money})"
_QUEST_SUMS = f"SELECT time_window, quest, reason, {_JUDGED.format(money='usd')}, sum(tokens) FROM {{tasks}} GROUP BY ALL"
_PROVIDER_SUMS = f"SELECT time_window, family, {_JUDGED.format(money='wasted_usd')} FROM {{shares}} GROUP BY ALL"
_FOLDED_TASKS = "(SELECT recent_tasks.* REPLACE (first AS quest) FROM recent_tasks JOIN quest_groups USING (quest))"
_FOLDED_SHARES = """
(SELECT recent_credits.* REPLACE (coalesce(provider, 'unknown') AS family)
   FROM recent_credits LEFT JOIN provider_labels USING (family))
"""


class OutcomeSums:
    """Sums of judged tasks: ``quests`` by (window, quest, reason of waste), ``providers`` by (window, provider family).

    ``called`` is how many distinct tasks called a provider family, by (window, family); ``judged`` is how many tasks were ever
    judged. Quests are given by their numbers. The tables ``recent_tasks`` and ``recent_credits`` have a row for each task of
    each finite window, ``window_tasks`` also one for each task of the lifetime.
    """

    def __init__(self, context: ReportContext, *, folding: bool) -> None:
        """Sum up what the rollups hold; where labels are folded, by one quest and by the provider of each label."""
        self._windows = context.windows
        self._finite = {name: first for name, first in context.windows.items() if first > date.min}
        self._lifetime = [name for name in context.windows if name not in self._finite]
        tables = {
            "recent_tasks": self._recent_tasks("task_totals", "TRUE"),
            "recent_credits": _RECENT_CREDITS.format(recent="recent_tasks", tasks="TRUE"),
        }
        for table, query in tables.items():
            context.rows(f"CREATE OR REPLACE TEMP TABLE {table} AS {query}")
        tasks = ["FROM recent_tasks", *(_LIFETIME.format(window=name, totals="task_totals") for name in self._lifetime)]
        context.rows("CREATE OR REPLACE TEMP VIEW window_tasks AS " + " UNION ALL BY NAME ".join(tasks))
        quests = _QUEST_SUMS.format(tasks=_FOLDED_TASKS if folding else "recent_tasks")
        providers = _PROVIDER_SUMS.format(shares=_FOLDED_SHARES if folding else "recent_credits")
        self.quests: dict[tuple[str, int, str | None], Judged] = {row[:3]: row[3:] for row in context.rows(quests)}
        self.providers: dict[tuple[str, str], Credit] = {row[:2]: row[2:] for row in context.rows(providers)}
        self.called: dict[tuple[str, str], int] = defaultdict(int)
        self.judged = 0
        totals = _FOLDED_TOTALS if folding else _TOTALS
        self._follow({name: context.rows(query) for name, query in totals.items()})

    def add(self, context: ReportContext, changes: TotalChanges, *, judged: bool) -> list[WindowTask]:
        """Add what changed; returns the rows of ``window_tasks`` that came and went.

        ``judged`` is whether outcomes changed, or only calls of judged tasks.
        """
        self._follow(changes.totals)
        if not changes.dirty_tasks:
            return []
        context.rows(_UNREPORTED, tasks=list(changes.dirty_tasks))
        recent = self._recent_tasks("unreported_tasks", _DIRTY) if judged else f"FROM recent_tasks WHERE {_DIRTY}"
        context.rows(_UNREPORTED_RECENT.format(query=recent))
        rows = self._replace_tasks(context, changes.dirty_tasks) if judged else []
        gone, here = _replaced(context, "recent_credits", _RECENT_CREDITS.format(recent="unreported_recent", tasks=_DIRTY))
        for sign, shares in ((-1, gone), (1, here)):
            for window, _, family, impact, usd in shares:
                _add(self.providers, (window, family), _signed(sign, impact, usd))
        return rows

    def _replace_tasks(self, context: ReportContext, dirty: Iterable[int]) -> list[WindowTask]:
        gone, here = _replaced(context, "recent_tasks", "FROM unreported_recent")
        for sign, tasks in ((-1, gone), (1, here)):
            for window, _, quest, usd, tokens, impact, reason, _ in tasks:
                _add(self.quests, (window, quest, reason), (*_signed(sign, impact, usd), sign * tokens))
        went = [(window, task) for window, task, *_ in gone] + [(name, task) for name in self._lifetime for task in dirty]
        totals = "unreported_tasks WHERE quest IS NOT NULL"
        here += [row for name in self._lifetime for row in context.rows(_LIFETIME.format(window=name, totals=totals))]
        return [WindowTask(*row) for row in went + here]

    def _recent_tasks(self, totals: str, tasks: str) -> str:
        spans = self._finite or {"": date.max}
        values = ", ".join(f"('{name}', DATE '{first}')" for name, first in spans.items())
        windows = f"(VALUES {values}) AS windows (time_window, first)"
        return _RECENT_TASKS.format(earliest=min(spans.values()), totals=totals, tasks=tasks, windows=windows)

    def _follow(self, totals: Mapping[str, list[Row]]) -> None:
        """Add rows by which the totals over the lifetime have grown."""
        self.judged += sum(row[2] for row in totals["quest_outcomes"])
        for name in self._lifetime:
            for quest, reason, *judged in totals["quest_outcomes"]:
                _add(self.quests, (name, quest, reason), tuple(judged))
            for family, *credit in totals["provider_outcomes"]:
                _add(self.providers, (name, family), tuple(credit))
        for family, day, tasks in totals["provider_days"]:
            for name in (name for name, first in self._windows.items() if day >= first):
                self.called[name, family] += tasks


_TOTALS = {
    "quest_outcomes": "FROM quest_outcome_totals",
    "provider_outcomes": "FROM provider_outcome_totals",
    "provider_days": "FROM provider_last_days",
}
"""The running totals of which changes are told, and what they add up to."""
_FOLDED_TOTALS = {
    "quest_outcomes": """
SELECT first, reason, sum(tasks), sum(scored), sum(impact), sum(usd), sum(tokens)
  FROM quest_outcome_totals JOIN quest_groups USING (quest) GROUP BY ALL
""",
    "provider_outcomes": """
SELECT coalesce(provider, 'unknown'), sum(tasks), sum(scored), sum(impact), sum(wasted_usd)
  FROM provider_outcome_totals LEFT JOIN provider_labels USING (family) GROUP BY ALL
""",
    "provider_days": """
SELECT provider, day, sum(tasks)
  FROM provider_last_days JOIN provider_labels USING (family) WHERE provider <> 'other' GROUP BY ALL
""",
}


def _replaced(context: ReportContext, table: str, query: str) -> tuple[list[Row], list[Row]]:
    """Put the rows of dirty tasks in the place of those that there are; returns those that went, and those that came."""
    gone = context.rows(f"DELETE FROM {table} WHERE {_DIRTY} RETURNING *")
    return gone, context.rows(f"INSERT INTO {table} {query} RETURNING *")


def _signed(sign: int, impact: Decimal | None, usd: Decimal) -> Row:
    return sign, 0 if impact is None else sign, sign * (impact or Decimal(0)), sign * usd


def _add(found: dict[Key, Row], key: Key, row: Row) -> None:
    """Add to the sums of a key, which goes with its last task."""
    add_to(found, key, row)
    if not found[key][TASKS]:
        del found[key]
