"""Budget allocation and the ledgers of a day, over given series of two replicas."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.grafana.boards import asked
from tests.grafana.test_status import Check, evaluate, series, written

pytestmark = pytest.mark.prometheus("promtool")
REST = "and 45 more, at most"
FLEET = {"job": "fleet", "layer": "Forge"}


def of_quests(metric: str, values: Mapping[str, float], **labels: str) -> Iterator[dict[str, str]]:
    """A value of each quest, from two replicas."""
    for quest, value in values.items():
        for instance in ("a", "b"):
            yield series(metric, f"{value}x5", **FLEET, instance=instance, quest_id=quest, quest=quest.upper(), **labels)


def today(spent: Mapping[str, float], allocated: Mapping[str, float]) -> list[dict[str, str]]:
    """Spend and allocations of today."""
    return [
        *of_quests("resource_quest_spend_usd", spent, window="1d"),
        *of_quests("resource_quest_allocation_usd", allocated),
    ]


def check(panel: str, ref: str, expected: Mapping[str, float], board: str = "resource-dashboard") -> Check:
    """The values that a panel shows by quest."""
    samples: list[dict[str, Any]] = [
        {"labels": written(quest_id=quest, quest=quest.upper()) if quest != REST else written(quest=quest), "value": value}
        for quest, value in expected.items()
    ]
    return asked(board, panel, ref), "1m", samples


def test_quests_over_budget_have_their_whole_share(tmp_path: Path) -> None:
    given = today(
        {"far": 40.5, "just": 11.7, "within": 5, "free": 3, "idle": 0}, {"far": 10, "just": 10, "within": 10, "idle": 10}
    )
    used = {"far": 4.05, "just": 1.17, "within": 0.5, "idle": 0}
    longest = {"labels": "{}", "value": 4.05}
    checks = [
        check("Budget used, by quest", "A", used),
        check("Budget used, by quest", "B", {"far": 40.5, "just": 11.7, "within": 5, "idle": 0}),
        check("Budget used, by quest", "C", dict.fromkeys(used, 10)),
        (asked("resource-dashboard", "Budget used, by quest", "D"), "1m", [longest]),
        check("Spend without a budget, by quest", "A", {"free": 3}),
        (asked("resource-dashboard", "Over budget"), "1m", [{"labels": "{}", "value": 2}]),
    ]
    evaluate(tmp_path / "tests.yml", given, checks)


def test_a_bar_is_no_longer_than_its_share_of_the_budget(tmp_path: Path) -> None:
    given = today({"one": 2}, {"one": 10})
    query = asked("resource-dashboard", "Budget used, by quest", "D")
    evaluate(tmp_path / "tests.yml", given, [(query, "1m", [{"labels": "{}", "value": 1}])])


def test_beyond_fifty_quests_the_rest_is_counted(tmp_path: Path) -> None:
    spent = {f"q{number:02}": float(number) for number in range(95)}
    given = today(spent, dict.fromkeys(spent, 100))
    first = {quest: usd / 100 for quest, usd in spent.items() if usd >= 45}
    assert len(first) == 50
    checks = [
        check("Budget used, by quest", "A", first | {REST: 0.44}),
        check("Budget used, by quest", "B", {quest: spent[quest] for quest in first}),
        check("Budget used, by quest", "C", dict.fromkeys(first, 100)),
    ]
    evaluate(tmp_path / "tests.yml", given, checks)


@pytest.mark.parametrize(
    "reported, differ",
    [({"one": 4.75}, 0.25), ({"one": 5, "other": 7.5}, -0.5), ({"one": 5.0001, "other": 7}, 0), ({}, None)],
)
def test_ledgers_are_compared_where_both_tell_spend(tmp_path: Path, reported: dict[str, float], differ: float | None) -> None:
    given = [*today({"one": 5, "other": 7, "silent": 100}, {}), *of_quests("resource_quest_reported_spend_usd", reported)]
    samples = [] if differ is None else [{"labels": "{}", "value": differ}]
    evaluate(tmp_path / "tests.yml", given, [(asked("resource-quest", "Ledgers differ"), "1m", samples)])


def test_days_over_budget_are_red(tmp_path: Path) -> None:
    days = {"2026-11-01": (5, 10), "2026-11-02": (15, 10), "2026-11-03": (10, 10), "2026-11-04": (3, None)}
    given = [
        series(f"resource_day_{name}_usd", f"{value}x5", job="fleet", instance=instance, layer="Forge", day=day)
        for day, values in days.items()
        for name, value in zip(("spend", "allocation"), values, strict=True)
        for instance in ("a", "b")
        if value is not None
    ]
    expected = {"A": {"2026-11-01": 5, "2026-11-03": 10, "2026-11-04": 3}, "B": {"2026-11-02": 15}}
    checks = [
        (
            asked("resource-dashboard", "Budget against spend, by day", ref),
            "1m",
            [{"labels": written(day=day), "value": usd} for day, usd in values.items()],
        )
        for ref, values in expected.items()
    ]
    evaluate(tmp_path / "tests.yml", given, checks)
