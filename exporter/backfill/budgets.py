"""The history of budgets: at each moment those that held on its day, and what had been spent of them, as reports say it."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property, partial
from itertools import groupby

from duckdb import DuckDBPyConnection

from exporter.backfill.series import Row, Sample, Series, fetched, held
from exporter.backfill.span import Span
from exporter.calendar import ONE_DAY
from exporter.metrics import Metric
from exporter.report.labels import Labels
from exporter.sections import budgets

# The days of the span, with the numbers of their moments, and the budgets that hold on each: of several of one quest and
# period, the one that began last.
_PREPARE = """
CREATE OR REPLACE TEMP TABLE span_days AS
SELECT unnest($days::DATE[]) AS day, unnest($starts::INTEGER[]) AS start, unnest($stops::INTEGER[]) AS stop
"""
_BUDGET_DAYS = """
CREATE OR REPLACE TEMP TABLE budget_days AS
SELECT quest, period, day, starts_on, ends_on, sum(usd) AS usd
  FROM budget_periods JOIN span_days ON starts_on <= day AND (ends_on IS NULL OR ends_on >= day)
 GROUP BY quest, period, day, starts_on, ends_on
QUALIFY rank() OVER (PARTITION BY quest, period, day ORDER BY starts_on DESC, ends_on NULLS LAST) = 1
"""
_AMOUNTS = """
SELECT quest_id, name, layer, period, day, sum(usd) FROM budget_days JOIN quest_labels USING (quest) GROUP BY ALL ORDER BY ALL
"""
# The end that all budgets of a label have in common.
_ENDS = """
SELECT quest_id, name, layer, period, day,
       CASE WHEN count(ends_on) = count(*) AND min(ends_on) = max(ends_on) THEN min(ends_on) END
  FROM budget_days JOIN quest_labels USING (quest) GROUP BY ALL ORDER BY ALL
"""
# For each day first what was spent on the days of the period before it, then the buckets of the day.
_SPENT = """
WITH until AS (
    SELECT quest, day, sum(sum(usd)) OVER (PARTITION BY quest ORDER BY day) AS usd FROM daily_costs GROUP BY quest, day
), told AS (
    SELECT quest, period, day, starts_on FROM budget_days WHERE $attributed OR list_contains($called::INTEGER[], quest)
), cells AS (
    SELECT told.quest, period, told.day, -1 AS place, coalesce(before.usd, 0) - coalesce(earlier.usd, 0) AS usd
      FROM told ASOF LEFT JOIN until AS before ON before.quest = told.quest AND before.day < told.day
      ASOF LEFT JOIN until AS earlier ON earlier.quest = told.quest AND earlier.day < told.starts_on
     UNION ALL
    SELECT quest, period, day, bucket - start, history.usd
      FROM told JOIN span_days USING (day) JOIN history USING (quest) WHERE bucket >= start AND bucket < stop
)
SELECT quest_id, name, layer, period, day, place, sum(usd) FROM cells JOIN quest_labels USING (quest) GROUP BY ALL ORDER BY ALL
"""


@dataclass(frozen=True)
class BudgetHistory:
    """The budgets of a span, over the rollups and the buckets of ``history``. ``labels`` are those of today's report."""

    connection: DuckDBPyConnection
    span: Span
    labels: Labels

    def families(self) -> Mapping[Metric, Callable[[], Iterator[Series]]]:
        """What finds the series of each metric."""
        return {
            budgets.BUDGET: partial(self._daily, _AMOUNTS),
            budgets.SPEND: self._spent,
            budgets.END: self._ends,
        }

    def prepare(self) -> None:
        """Find the budgets of each day."""
        days = self._days
        places = {"starts": [each.start for each in days.values()], "stops": [each.stop for each in days.values()]}
        self.connection.execute(_PREPARE, {"days": list(days), **places})
        self.connection.execute(_BUDGET_DAYS)

    @cached_property
    def _days(self) -> Mapping[object, range]:
        return dict(self.span.days())

    def _daily(self, query: str) -> Iterator[Series]:
        for labels, found in groupby(fetched(self.connection, query), key=lambda row: row[:4]):
            yield labels, held(self.span, (row[4:] for row in found))

    def _ends(self) -> Iterator[Series]:
        for labels, found in groupby(fetched(self.connection, _ENDS), key=lambda row: row[:4]):
            ends = ((day, last) for *_, day, last in found if last is not None)
            moments = [(day, self.span.calendar.start(last + ONE_DAY).timestamp()) for day, last in ends]
            if moments:
                yield labels, held(self.span, moments)

    def _spent(self) -> Iterator[Series]:
        asked = {"attributed": self.labels.attributed, "called": sorted(self.labels.called[0])}
        for labels, found in groupby(fetched(self.connection, _SPENT, **asked), key=lambda row: row[:4]):
            yield labels, self._running(row[4:] for row in found)

    def _running(self, cells: Iterator[Row]) -> Iterator[Sample]:
        """At each moment what was spent before its day, and on its day before it."""
        for day, found in groupby(cells, key=lambda row: row[0]):
            amounts = {place: usd for _, place, usd in found}
            total: Decimal = amounts[-1]
            for place, number in enumerate(self._days[day]):
                yield number, total
                total += amounts.get(place, 0)
