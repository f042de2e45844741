from exporter.metrics import QUEST, TASK, Family, Metric
from exporter.web.page.lookup import Lookup

SPEND = Metric("resource_spend_usd", "USD.", ("quest", "model", "window"), ())
OTHER = Metric("resource_other_usd", "USD.", ("window",), ())
LOOKUP = Lookup(
    [
        Family(
            SPEND,
            [(("Gene", "a", "1d"), 1.0), (("Gene", "b", "1d"), 2.0), (("Atlas", "a", "1d"), 4.0), (("Gene", "a", "30d"), 8.0)],
        ),
        Family(OTHER, [(("lifetime",), 1.0), (("7d",), 1.0)]),
    ]
)


def test_samples_are_summed_by_the_labels_asked_for() -> None:
    assert LOOKUP.sum_by(SPEND, ("quest",), window="1d") == {("Gene",): 3.0, ("Atlas",): 4.0}
    assert LOOKUP.sum_by(SPEND, ("model", "quest"), window="30d") == {("a", "Gene"): 8.0}
    assert LOOKUP.sum_by(SPEND, (), quest="Gene", window="1d") == {(): 3.0}


def test_a_family_that_was_withdrawn_has_no_samples() -> None:
    assert Lookup([]).sum_by(SPEND, ("quest",)) == {}
    assert Lookup([]).windows([SPEND]) == []


def test_windows_are_sorted_by_length() -> None:
    assert LOOKUP.windows([SPEND, OTHER]) == ["1d", "7d", "30d", "lifetime"]


def test_an_id_is_told_only_of_quests_that_share_a_name() -> None:
    tasks = [(("t1", "One", "q3", "Night", "x"), 1.0), (("t2", "Two", "q1", "Gene", "Forge"), 1.0)]
    days = [
        (("q1", "Gene", "Forge"), 1.0),
        (("q2", "Gene", "Atlas"), 2.0),
        (("q4", "Night", "x"), 3.0),
        (("q5", "Atlas", "x"), 4.0),
    ]
    lookup = Lookup(
        [
            Family(Metric("resource_task_usd", "USD.", TASK, ()), tasks),
            Family(Metric("resource_day_usd", "USD.", QUEST, ()), days),
        ]
    )
    shared = [lookup.id_if_shared(*quest) for quest in (("q1", "Gene"), ("q2", "Gene"), ("q3", "Night"), ("q5", "Atlas"))]
    assert shared == ["q1", "q2", "q3", ""]
    assert LOOKUP.id_if_shared("q1", "Gene") == ""
