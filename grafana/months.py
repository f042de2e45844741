"""Calendar months of the report's time zone in PromQL, from the label ``day``."""

from dataclasses import dataclass
from typing import Final

from exporter.metrics import Metric
from exporter.sections import spend, utilization
from grafana.queries import Scope, total

DAY: Final = 86_400
_AHEAD: Final = 27 * 1800
"""Seconds by which the start of a day is moved so that it has the same date in UTC, in time zones from UTC-10 to UTC+13."""
_HISTORY: Final = "62d:1d"
"""One sample a day for two months, for days that the exporter no longer reports."""


@dataclass(frozen=True)
class Month:
    """A calendar month: a moment in it, and the number of its days so far, both in PromQL."""

    scope: Scope
    moment: str
    days: str

    def sum(self, metric: Metric) -> str:
        """The sum of a metric with the label ``day``; absent unless spend is known for each day of the month."""
        spent = self._part(utilization.DAY_SPEND)
        return f"(sum({self._part(metric)}) and on () count({spent}) == {self.days})"

    def _part(self, metric: Metric) -> str:
        """The values of the month by day: what the exporter reports now, and what it last reported of days before these."""
        reported, values = (total(self.scope.of(each), "day") for each in (utilization.DAY_SPEND, metric))
        known = f"({values} or last_over_time(({values})[{_HISTORY}]) unless on (day) {reported})"
        of_day = f'label_replace({known}, "month", "$1", "day", ".*-0?(.+)-.*")'
        return f'{of_day} and on (month) count_values("month", month({self.moment}))'


def this_month(scope: Scope) -> Month:
    """The month of today, until today."""
    today = _today(scope)
    return Month(scope, today, f"day_of_month({today})")


def last_month(scope: Scope) -> Month:
    """The whole month before."""
    today = _today(scope)
    before = f"{today} - {DAY} * day_of_month({today})"
    return Month(scope, before, f"days_in_month({before})")


def _today(scope: Scope) -> str:
    """A moment that has today's date in UTC, where today is that of the report's time zone."""
    return f"(time() - {DAY} * max({scope.of(spend.DAY_ELAPSED)}) + {_AHEAD})"
