import math

import pytest

from exporter import palette
from exporter.metrics import Labels
from exporter.web.page import charts
from exporter.web.page.charts import Slice
from exporter.web.page.rows import DayRow


def day(day: str, allocated: float | None, spent: float | None) -> DayRow:
    return DayRow(day, today=False, allocated=allocated, spent=spent)


def nothing(_quest_id: str, _quest: str) -> str:
    """What is shown beside the name of a quest: nothing."""
    return ""


def test_the_largest_quests_have_a_slice_and_the_others_are_together_and_last() -> None:
    allocated: dict[Labels, float] = {(f"q{number}", f"Quest {number}", "Forge"): float(number) for number in range(1, 12)}
    slices = charts.donut(allocated, nothing)
    assert [part.name for part in slices] == [*(f"Quest {number}" for number in range(11, 3, -1)), "Other"]
    assert (slices[-1].usd, slices[-1].share, slices[-1].color) == (6.0, 6 / 66, palette.REST)
    assert slices[-1].start == pytest.approx(60 / 66)
    assert slices[0].color == palette.of_quest("Quest 11")
    assert sum(part.share for part in slices) == pytest.approx(1)


def test_other_is_last_though_it_be_the_largest() -> None:
    slices = charts.donut({(f"q{number:02}", f"Quest {number:02}", "Forge"): 1.0 for number in range(30)}, nothing)
    assert [(part.name, part.usd) for part in slices][-2:] == [("Quest 07", 1.0), ("Other", 22.0)]


def test_only_what_may_be_spent_is_drawn() -> None:
    assert charts.donut({}, nothing) == ()
    assert charts.donut({("q1", "One", "Forge"): 0.0, ("q2", "Two", "Forge"): -1.0}, nothing) == ()


def test_a_slice_has_a_length_however_small_it_is() -> None:
    """A length below 0 is no length at all, and the browser then draws the whole ring."""
    slices = charts.donut({("q1", "One", "Forge"): 1_250_000.0, ("q2", "Two", "Forge"): 10.0}, nothing)
    assert [part.dash for part in slices] == pytest.approx([100 * slices[0].share - 0.4, 50 * slices[1].share], abs=1e-4)
    assert all(part.dash > 0 for part in slices)


def test_a_number_stands_in_the_middle_of_its_slice_if_there_is_room() -> None:
    assert Slice("", 1.0, 0.5, 0.0, "").number_at == pytest.approx((1, 0))
    assert Slice("", 1.0, 0.25, 0.5, "").number_at == pytest.approx((-math.sqrt(0.5), math.sqrt(0.5)))
    assert Slice("", 1.0, 0.01, 0.0, "").number_at is None


def test_the_timeline_draws_spend_within_and_over_a_budget_that_is_a_step() -> None:
    chart = charts.timeline(
        [day("2026-11-05", 3.0, 1.0), day("2026-11-04", None, 2.0), day("2026-11-03", 2.0, -1.0), day("2026-11-02", 1.0, 3.5)]
    )
    assert chart is not None
    assert chart.top == 4
    assert [(bar.day.day, bar.within, bar.over) for bar in chart.bars] == [
        ("2026-11-02", 25.0, 62.5),
        ("2026-11-03", 0.0, 0.0),
        ("2026-11-04", 50.0, 0.0),
        ("2026-11-05", 25.0, 0.0),
    ]
    assert chart.budget == "M0 75.0H1V50.0H2M3 25.0H4"
    assert chart.dates == ("11-02", "11-03", "11-04", "11-05")


def test_a_long_timeline_has_at_most_five_dates_and_always_the_latest() -> None:
    chart = charts.timeline([day(f"2026-{month:02}-{number:02}", None, 1.0) for month in (2, 1) for number in range(15, 0, -1)])
    assert chart is not None
    assert [at for at, date in enumerate(chart.dates) if date] == [5, 11, 17, 23, 29]
    assert chart.dates[-1] == "02-15"


def test_a_timeline_without_amounts_is_not_drawn() -> None:
    assert charts.timeline([]) is None
    assert charts.timeline([day("2026-11-05", None, 0.0)]) is None


@pytest.mark.parametrize(
    "largest, top", [(0.003, 0.004), (0.99, 1), (1.0, 1), (1.01, 2), (3.0, 4), (61.0, 80), (801.0, 1000), (1000.0, 1000)]
)
def test_the_scale_ends_at_a_round_number(largest: float, top: float) -> None:
    chart = charts.timeline([day("2026-11-05", None, largest)])
    assert chart is not None
    assert chart.top == pytest.approx(top)
