"""When tasks of a ranking are looked up again, and when what is known of those behind them is enough."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path

import pytest

from exporter.report import rankings
from exporter.report.context import ReportContext
from exporter.report.leaders import Leaders, Lengths, Place, Ranking, look_up
from exporter.report.reporter import Reading, Reporter
from tests.rollups.entries import LEDGERS, NOW, TODAY, Entry, Store, at, configure

WASTE = "resource_wasted_task_tokens"


def wasted(task: int, tokens: int, **columns: object) -> Entry:
    """The only outcome of a task, which is not scored. All tasks have one quest: labels stay."""
    told = {"task_id": f"t{task:02}", "quest_id": "q", "tokens": Decimal(tokens), **columns}
    return {"occurred_at": at(TODAY, 60), "key": task, "checksum": task, **told}


class Kept:
    """A reporter of the two most wasteful tasks of the lifetime, and the places that it looks up."""

    def __init__(self, directory: Path, patch: pytest.MonkeyPatch) -> None:
        config = configure(report={"windows": ["lifetime"], "top": 2, "quest_top": 0})
        self.store, self.looked_up = Store(directory, config), list[dict[str, set[Place] | None]]()
        self.store.begin("costs", "impacts")
        self.reporter = Reporter(self.store.rollups, config)

        def noted(
            context: ReportContext, ranking: Ranking, places: Mapping[str, set[Place] | None], lengths: Lengths
        ) -> Leaders:
            if ranking.rank == "tokens" and places:
                self.looked_up.append(dict(places))
            return look_up(context, ranking, places, lengths)

        patch.setattr(rankings, "look_up", noted)
        patch.setattr(rankings, "SPARE", 1)

    def after(self, *entries: Entry) -> list[str]:
        """The tasks of the ranking when these entries have been read."""
        if entries:
            self.store.apply("impacts", entries)
        report = self.reporter.make({name: Reading(up=True, last_success=NOW) for name in LEDGERS}, NOW)
        [family] = [family for family in report.families if family.metric.name == WASTE]
        return [labels[0] for labels, _ in sorted(family.samples, key=lambda sample: -sample[1])]


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Kept]:
    kept = Kept(tmp_path, monkeypatch)
    yield kept
    kept.store.rollups.close()


FOUR = [wasted(task, tokens) for task, tokens in ((1, 9000), (2, 8000), (3, 7000), (4, 6000))]


def test_a_task_that_falls_out_is_followed_by_one_that_is_known(kept: Kept) -> None:
    assert kept.after(*FOUR) == ["t01", "t02"]
    kept.looked_up.clear()
    assert kept.after(wasted(1, 9000, impact=Decimal(2))) == ["t02", "t03"]
    assert kept.looked_up == []


def test_the_first_task_of_a_ranking_enters(kept: Kept) -> None:
    assert kept.after(wasted(1, 1)) == []
    assert kept.after(wasted(1, 9000)) == ["t01"]


def test_a_place_is_looked_up_when_too_few_of_its_tasks_are_known(kept: Kept) -> None:
    kept.after(*FOUR)
    kept.looked_up.clear()
    assert kept.after(wasted(1, 9000, impact=Decimal(2)), wasted(2, 8000, impact=Decimal(2))) == ["t03", "t04"]
    assert kept.looked_up == [{"lifetime": {None}}]


def test_a_task_that_moves_among_those_that_are_known_is_not_looked_up_with_all(kept: Kept) -> None:
    kept.after(*FOUR)
    kept.looked_up.clear()
    assert kept.after(wasted(3, 9500)) == ["t03", "t01"]
    assert kept.after(wasted(5, 9200)) == ["t03", "t05"]
    assert kept.looked_up == []


def test_a_task_behind_those_that_are_known_does_not_enter(kept: Kept) -> None:
    kept.after(*FOUR)
    assert kept.after(wasted(1, 6500)) == ["t02", "t03"]
    assert kept.after(wasted(2, 1)) == ["t03", "t01"]


def test_of_tasks_with_one_rank_the_first_ids_are_kept(kept: Kept) -> None:
    assert kept.after(*(wasted(task, 5000) for task in (4, 5, 6, 7))) == ["t04", "t05"]
    assert kept.after(wasted(3, 5000), wasted(8, 5000)) == ["t03", "t04"]
    assert kept.after(wasted(3, 1), wasted(4, 1)) == ["t05", "t06"]
    assert kept.after(wasted(5, 1), wasted(6, 1)) == ["t07", "t08"]


def test_of_tasks_with_one_rank_none_enters_before_one_that_is_not_known(kept: Kept) -> None:
    kept.after(*(wasted(task, 5000) for task in (4, 5, 6, 7)))
    assert kept.after(wasted(4, 1), wasted(5, 1), wasted(8, 5000)) == ["t06", "t07"]


def test_tasks_that_others_pushed_out_are_not_known_any_more(kept: Kept) -> None:
    kept.after(*FOUR)
    assert kept.after(wasted(5, 9500), wasted(6, 9400)) == ["t05", "t06"]
    assert kept.after(wasted(5, 1), wasted(7, 7500)) == ["t06", "t01"]
    assert kept.after(wasted(6, 1)) == ["t01", "t02"]


def test_all_is_looked_up_when_many_tasks_may_enter(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    kept.after(*FOUR)
    monkeypatch.setattr(rankings, "MOST_SINGLE", 2)
    kept.looked_up.clear()
    assert kept.after(*(wasted(task, 9000 + task) for task in (5, 6, 7))) == ["t07", "t06"]
    assert kept.looked_up == [{"lifetime": None}]
