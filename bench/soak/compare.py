"""Compare every data sample of a scrape with plain SQL."""

import math
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import psycopg
from prometheus_client.parser import text_string_to_metric_families

from bench.questions import Question, Series, answers, question, questions
from bench.soak.exporter import Exporter

Samples = Mapping[Series, float]
PROJECTION: Final = Path(__file__).with_name("projection.sql")
ELAPSED: Final[Series] = ("resource_budget_day_elapsed_ratio", frozenset())
INFO: Final[Series] = ("resource_report_info", frozenset({("timezone", "UTC"), ("profile", "scidex")}))
PRECISION: Final = 1e-9
RECENT: Final = timedelta(minutes=1)
"""The maximum age of the scraped data."""


def compare(exporter: Exporter, conninfo: str) -> tuple[int, list[str]]:
    """Return the number of samples compared, and a line for each that differs. Nothing may write to the ledgers meanwhile.

    A comparison across midnight is repeated, because the values of the day change.
    """
    while True:
        began = datetime.now(UTC)
        served = read(exporter.program.page() or "")
        moment = _moment(began, served.get(ELAPSED, math.nan))
        expected = recompute(conninfo, moment)
        if datetime.now(UTC).date() == began.date() and moment <= began:
            return len(expected), differences(served, expected)


def read(page: str) -> Samples:
    """The data samples of a scrape, without the exporter's own metrics."""
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(page)
        for sample in family.samples
        if sample.name.startswith("resource_") and not sample.name.startswith("resource_exporter_")
    }


def recompute(conninfo: str, moment: datetime) -> Samples:
    """The same samples computed from the ledgers, as of a moment."""
    with psycopg.connect(conninfo) as connection:
        asked = [*questions(connection), _projection(connection, moment)]
        expected: dict[Series, float] = {series: value for each in asked for series, value in answers(connection, each)}
    elapsed = (moment - _midnight(moment)) / timedelta(days=1)
    return expected | _budgets(expected, elapsed) | {INFO: 1.0, ELAPSED: elapsed}


def _budgets(expected: Samples, elapsed: float) -> dict[Series, float]:
    """What depends on the moment, of budgets of one day: the elapsed share, and the projection of the day."""
    found: dict[Series, float] = {}
    for name, labels in expected:
        if name == "resource_quest_budget_usd":
            found["resource_quest_budget_elapsed_ratio", labels] = elapsed
            projected = expected.get(("resource_quest_projected_spend_usd", labels - {("period", "day")}))
            if projected is not None:
                found["resource_quest_budget_projected_spend_usd", labels] = projected
    return found


def differences(served: Samples, expected: Samples) -> list[str]:
    """A line for each sample that is missing on one side or has different values."""
    lines = []
    for series in sorted(served.keys() | expected.keys(), key=str):
        left, right = served.get(series), expected.get(series)
        if left is None or right is None or not math.isclose(left, right, rel_tol=PRECISION, abs_tol=PRECISION):
            labels = ", ".join(f'{name}="{value}"' for name, value in sorted(series[1]))
            lines.append(f"{series[0]}{{{labels}}} is {left}, by plain SQL {right}")
    return lines


def _moment(now: datetime, elapsed: float) -> datetime:
    """The time of the scraped data, from the elapsed share of the day. It is ``now`` where that is NaN or too old."""
    if math.isnan(elapsed):
        return now
    moment = _midnight(now) + timedelta(days=elapsed)
    return now if moment < now - RECENT else moment


def _midnight(moment: datetime) -> datetime:
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)


def _projection(connection: psycopg.Connection, moment: datetime) -> Question:
    query = PROJECTION.read_text(encoding="utf-8").format(moment=moment.isoformat())
    return question(connection, PROJECTION.stem, query)
