"""How quests, providers and models are called in a report, and which are folded into ``other``."""

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from exporter.metrics import Metric
from exporter.report import labelling
from exporter.report.labels import Labels
from exporter.requirements import COSTS
from tests.integration.strategies import FEW
from tests.rollups.entries import TODAY, Entry, Store, at, configure

CELLS = Metric("cells", "", ("quest_id", "quest", "layer", "provider", "model"), (COSTS,))
QUESTS = Metric("quests", "", ("quest_id", "quest", "layer"), (COSTS,))


def limited(store: Store, **limits: int) -> None:
    store.config = configure(limits=limits)


def call(number: int, usd: int = 1, **columns: Any) -> Entry:
    labels = {"quest_id": "q", "provider": "p", "model": "m", "usd": Decimal(usd), "checksum": 0}
    return {"occurred_at": at(TODAY, 60), "key": number, **labels, **columns}


def judged(number: int, quest: str, layer: str | None, minute: int = 0) -> Entry:
    return {"occurred_at": at(TODAY, minute), "key": number, "checksum": 0, "task_id": "t", "quest_id": quest, "layer": layer}


def quests(store: Store, *names: tuple[str, str | None, str | None]) -> None:
    """A ledger of quests: their ids, names and layers."""
    rows = [{"quest_id": quest, "name": name, "layer": layer, "entries": 1} for quest, name, layer in names]
    store.rollups.replace_all("quests", store.files.write("quests", rows), "read")


def prepared(store: Store, *metrics: Metric) -> Labels:
    return labelling.prepare(store.report, metrics or [CELLS])


def shown(store: Store) -> list[tuple[str, str, str]]:
    return store.rows("SELECT quest_id, name, layer FROM quest_labels ORDER BY ALL")


def test_a_quest_is_called_as_its_ledger_says_else_by_its_id(store: Store) -> None:
    quests(store, ("q1", "One", "Forge"), ("q2", None, None))
    store.apply("costs", [call(1, quest_id="q3"), call(2, quest_id=None), call(3, quest_id="\x01")])
    prepared(store)
    known = [("q1", "One", "Forge"), ("q2", "q2", "unknown"), ("q3", "q3", "unknown"), ("unassigned", "unassigned", "unknown")]
    assert shown(store) == [("\x01", "unknown", "unknown"), *known]


def test_a_layer_that_no_quest_tells_is_that_of_its_latest_outcome(store: Store) -> None:
    quests(store, ("q1", "One", "Forge"), ("q2", "Two", None))
    store.apply("impacts", [judged(1, "q1", "Atlas"), judged(2, "q2", "Agora", 5), judged(3, "q2", "Atlas", 4)])
    store.apply("impacts", [judged(4, "q3", None), {**judged(5, "q4", "Senate"), "task_id": "u"}, judged(6, "q4", None, 9)])
    prepared(store)
    assert shown(store) == [
        ("q1", "One", "Forge"), ("q2", "Two", "Agora"), ("q3", "q3", "unknown"), ("q4", "q4", "unknown"),
    ]  # fmt: skip


def test_quests_are_shown_that_no_call_or_outcome_is_left_of_only_if_named(store: Store) -> None:
    quests(store, ("q2", "Two", "Forge"))
    store.apply("costs", [call(1, quest_id="q1"), call(2, quest_id="q2")])
    store.apply("costs", [], [(TODAY, 60)])
    prepared(store)
    assert shown(store) == [("q2", "Two", "Forge")]


def providers(store: Store) -> dict[str, str]:
    return dict(store.rows("SELECT family, provider FROM provider_labels"))


def test_providers_beyond_the_limit_are_folded_but_no_family(store: Store) -> None:
    limited(store, max_providers=2)
    store.reopen()
    names = ["codex", "a", "b", "c", "d"]
    store.apply(
        "costs",
        [call(number, usd, provider=name) for number, (name, usd) in enumerate(zip(names, (0, 1, 9, 5, 5), strict=True))],
    )
    found = prepared(store)
    assert providers(store) == {"Codex": "Codex", "a": "other", "b": "b", "c": "c", "d": "other"}
    assert (found.folded, found.folding) == (1, True)


def test_models_beyond_the_limit_are_folded_by_provider(store: Store) -> None:
    limited(store, models_per_provider=2)
    store.reopen()
    spent = [("p", "a", 1), ("p", "b", 2), ("p", "c", 2), ("p", None, 0), ("r", "a", 0)]
    store.apply("costs", [call(n, usd, provider=provider, model=model) for n, (provider, model, usd) in enumerate(spent)])
    found = prepared(store)
    query = (
        "SELECT models.provider, models.model, model_labels.model FROM models JOIN model_labels USING (model_key) ORDER BY ALL"
    )
    assert store.rows(query) == [("p", "", "other"), ("p", "a", "other"), ("p", "b", "b"), ("p", "c", "c"), ("r", "a", "a")]
    assert found.folded == 1


def test_a_model_that_is_folded_alone_comes_back_with_spend(store: Store) -> None:
    limited(store, models_per_provider=1)
    store.reopen()
    store.apply("costs", [call(1, 2, model="a"), call(2, 1, model="b")])
    assert prepared(store).folding
    store.apply("costs", [call(3, 2, model="b")])
    assert prepared(store).folding
    assert store.rows("SELECT model FROM model_labels ORDER BY model_key") == [("other",), ("b",)]


def test_quests_keep_their_series_by_the_money_that_goes_through_them(store: Store) -> None:
    limited(store, max_series=5)
    store.reopen()
    store.apply("costs", [call(number, number, quest_id=f"q{number}") for number in range(1, 5)])
    assert prepared(store, CELLS, QUESTS).folded == 6
    assert [row[0] for row in shown(store)] == ["other", "other", "other", "q4"]


def test_nothing_is_folded_where_all_have_room(store: Store) -> None:
    limited(store, max_series=8)
    store.reopen()
    store.apply("costs", [call(number, number, quest_id=f"q{number}") for number in range(1, 5)])
    found = prepared(store, CELLS, QUESTS)
    assert (found.folded, found.folding) == (0, False)
    assert [row[0] for row in shown(store)] == ["q1", "q2", "q3", "q4"]


CALLS = st.lists(
    st.tuples(st.sampled_from("abcdef"), st.sampled_from("pqrs"), st.sampled_from("mno"), st.integers(-1, 9)), max_size=30
)
# Two providers with two models each, one of them ``other``, are the fewest that there can be.
LIMITS = st.fixed_dictionaries(
    {"max_series": st.integers(4, 20), "max_providers": st.integers(1, 4), "models_per_provider": st.integers(1, 4)}
)


@FEW
@given(calls=CALLS, limits=LIMITS)
def test_folding_keeps_the_limit_and_every_sum(
    store: Store, calls: Sequence[tuple[str, str, str, int]], limits: dict[str, int]
) -> None:
    limited(store, **limits)
    store.reopen()
    store.begin("costs")
    store.apply("costs", [call(n, usd, quest_id=q, provider=p, model=m) for n, (q, p, m, usd) in enumerate(calls)])
    found = prepared(store)
    joined = "cells JOIN quest_labels USING (quest) JOIN model_labels USING (model_key)"
    rows = store.rows(f"SELECT quest_id, provider, model, sum(usd), sum(calls) FROM {joined} GROUP BY ALL")
    assert (sum(row[3] for row in rows), sum(row[4] for row in rows)) == (sum(each[3] for each in calls), len(calls))
    assert len(rows) <= limits["max_series"]
    cells = {each[:3] for each in calls}
    assert found.folding is ({row[:3] for row in rows} != cells)
    assert len(rows) + found.folded >= len(cells)


def test_names_change_with_any_label(store: Store) -> None:
    store.apply("costs", [call(1)])
    first = prepared(store).names
    assert prepared(store).names == first
    store.apply("costs", [call(2, occurred_at=at(TODAY - timedelta(days=3), 0))])
    assert prepared(store).names == first
    quests(store, ("q", "A name", None))
    named = prepared(store).names
    store.apply("costs", [call(3, model="other")])
    assert first != named != prepared(store).names != first


def sums(store: Store) -> set[tuple[int, int]]:
    return set(store.rows("SELECT quest, model_key FROM daily_costs GROUP BY ALL HAVING sum(calls) <> 0"))


def test_labels_fit_until_a_quest_or_model_is_new_or_gone(store: Store) -> None:
    store.apply("costs", [call(1), call(2, quest_id="r"), call(3, model="n")])
    found = prepared(store)
    store.apply("costs", [call(4), call(5, quest_id="r", model="n")])
    assert found.fit(sums(store))
    store.apply("costs", [call(6, quest_id="s")])
    assert not found.fit(sums(store))
    store.apply("costs", [call(1), call(2, quest_id="r")], [(TODAY, 60)])
    assert not found.fit(sums(store))


def test_labels_do_not_fit_more_series_than_there_is_room_for(store: Store) -> None:
    limited(store, max_series=5)
    store.reopen()
    store.apply("costs", [call(1), call(2, quest_id="r", model="n")])
    found = prepared(store, CELLS, QUESTS)
    assert not found.folding
    store.apply("costs", [call(3, model="n")])
    assert found.fit(sums(store))
    store.apply("costs", [call(4, quest_id="r")])
    assert not found.fit(sums(store))
    assert prepared(store, CELLS, QUESTS).folding


def test_labels_that_fold_do_not_fit(store: Store) -> None:
    limited(store, models_per_provider=1)
    store.reopen()
    store.apply("costs", [call(1, 2, model="a"), call(2, 1, model="b")])
    assert not prepared(store).fit(sums(store))
