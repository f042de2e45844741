"""Graphs over an imported history of hours, in a real Prometheus: exact, and in view after the exporter has stopped."""

import random
import subprocess
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.grafana.boards import asked
from tests.grafana.conftest import Prometheus, scraping

pytestmark = [pytest.mark.prometheus("prometheus", "promtool"), pytest.mark.slow]

HOUR, DAY = 3600, 86_400
HOURS = 60
END = int(time.time()) // DAY * DAY - 5 * HOUR
"""The last sample, at 19:00 UTC yesterday: the exporter has stopped then."""
TIMES = [END - HOUR * back for back in reversed(range(HOURS))]
BUDGET = 50
RANDOM = random.Random(7)
SPEND = {
    "q1": [round(RANDOM.uniform(0, 4), 2) for _ in TIMES],
    "q2": [18.5 if at % DAY == 9 * HOUR else 0.25 for at in TIMES],
}
"""USD in the hour before each sample."""


def lifetime(quest: str, at: int) -> float:
    """USD of the lifetime at the last sample until then."""
    return sum(usd for moment, usd in zip(TIMES, SPEND[quest], strict=True) if moment <= at)


def of_day(quest: str, at: int) -> float:
    """USD since midnight at the last sample until then."""
    sample = max(moment for moment in TIMES if moment <= at)
    return sum(usd for moment, usd in zip(TIMES, SPEND[quest], strict=True) if sample // DAY * DAY < moment <= sample)


def written() -> Iterator[str]:
    """The history in OpenMetrics, as ``backfill`` writes it."""
    target = 'job="resource-exporter",instance="localhost:9877"'
    for name, value in (("spend_usd", lifetime), ("quest_spend_usd", of_day), ("quest_allocation_usd", lambda *_: BUDGET)):
        yield f"# TYPE resource_{name} gauge\n"
        window = ',window="1d"' if name == "quest_spend_usd" else ""
        model = ',provider="Codex",model="m"' if name == "spend_usd" else ""
        for quest in SPEND:
            labels = f'{{quest_id="{quest}",quest="Quest {quest}",layer="Forge"{window}{model},{target}}}'
            yield from (f"resource_{name}{labels} {value(quest, at)} {at}\n" for at in TIMES)
    yield "# EOF\n"


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    directory = tmp_path_factory.mktemp("history")
    (directory / "history.om").write_text("".join(written()), encoding="utf-8")
    command = [
        "promtool",
        "tsdb",
        "create-blocks-from",
        "--max-block-duration=24h",
        "openmetrics",
        "--quiet",
        "history.om",
        "data",
    ]
    subprocess.run(command, cwd=directory, check=True, capture_output=True)
    with scraping(directory, "scrape_configs: []") as prometheus:
        prometheus.until(f"count(resource_spend_usd @ {END}) == 2")
        yield prometheus


def drawn(prometheus: Prometheus, expression: str, start: int, end: int, step: int) -> dict[str, dict[int, float]]:
    """The values of a graph by quest and time."""
    found: list[dict[str, Any]] = prometheus.ask("query_range", query=expression, start=start, end=end, step=step)
    return {series["metric"].get("quest_id", ""): {int(at): float(value) for at, value in series["values"]} for series in found}


@pytest.mark.parametrize("step", [60, 600, 2700, HOUR, 2 * HOUR])
def test_spend_per_hour_is_exact_at_every_step(history: Prometheus, step: int) -> None:
    """``delta`` would extrapolate 18.5 to more, and find nothing between two samples."""
    query = asked("resource-dashboard", "Spend per hour, by quest")
    start = TIMES[2] // step * step + step
    found = drawn(history, query, start, END, step)
    for quest in SPEND:
        expected = {at: lifetime(quest, at) - lifetime(quest, at - HOUR) for at in range(start, END + 1, step)}
        assert found[quest] == pytest.approx(expected, abs=1e-9)
    if step == HOUR:
        assert max(found["q2"].values()) == pytest.approx(18.5)


@pytest.mark.parametrize("step", [900, HOUR, 5400])
def test_the_burn_rate_is_exact(history: Prometheus, step: int) -> None:
    start = TIMES[2] // step * step + step
    found = drawn(history, asked("resource-quest", "Burn rate", quest="q2"), start, END, step)
    expected = {at: 24 * (lifetime("q2", at) - lifetime("q2", at - HOUR)) / BUDGET for at in range(start, END + 1, step)}
    assert found[""] == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("step", [60, 900, HOUR, 2700])
def test_spend_of_a_day_begins_with_nothing_at_midnight(history: Prometheus, step: int) -> None:
    title = "Spend of each day against its budget"
    start = TIMES[2] // step * step + step
    spent = drawn(history, asked("resource-quest", title, quest="q1"), start, END, step)
    assert spent[""] == pytest.approx({at: of_day("q1", at) for at in range(start, END + 1, step)}, abs=1e-9)
    budget = drawn(history, asked("resource-quest", title, "B", quest="q1"), start, END, step)
    assert set(budget[""].values()) == {BUDGET}


def test_the_history_stays_in_view_after_a_stop(history: Prometheus) -> None:
    """The time range begins before the stop and ends long after it, and so does the ranking."""
    query = asked("resource-dashboard", "Spend per hour, by quest")
    found = drawn(history, query, END - 14 * HOUR, END + 10 * HOUR, 600)
    assert found.keys() == SPEND.keys()
    assert all(min(values) == END - 14 * HOUR and max(values) < END + 2 * HOUR for values in found.values())


def test_of_ten_quests_no_more_are_drawn_than_ten(history: Prometheus) -> None:
    expression = asked("resource-dashboard", "Spend per hour, by quest").replace("topk(10,", "topk(1,")
    assert drawn(history, expression, END - DAY, END, 600).keys() == {max(SPEND, key=highest)}


def highest(quest: str) -> float:
    """The highest spend of a day in the last 24 hours."""
    return max(of_day(quest, at) for at in TIMES if at > END - DAY)
