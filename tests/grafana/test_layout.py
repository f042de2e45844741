"""How the panels are arranged and written: for 400 and 1280 pixels, in all supported versions of Grafana."""

from typing import Any, Final

import pytest

from tests.grafana.boards import BOARDS, fields, panels

each_board = pytest.mark.parametrize("uid", BOARDS)
LINE = 38
"""Pixels of a grid unit, with its margin."""
DECIMALS = {"currencyUSD": 2, "percentunit": 1}
PRICES = {"Cost per task", "Cost per task, by provider"}


def by_title(uid: str, title: str) -> dict[str, Any]:
    (found,) = (panel for panel in panels(BOARDS[uid]) if panel["title"] == title)
    return found


@each_board
def test_no_panel_repeats(uid: str) -> None:
    """Some builds of Grafana draw a panel with a direction of repetition over the whole width."""
    assert not any({"repeat", "repeatDirection"} & panel.keys() for panel in BOARDS[uid]["panels"])


@each_board
def test_the_first_tile_says_how_old_the_data_are(uid: str) -> None:
    first = next(panels(BOARDS[uid]))
    assert (first["title"], first["gridPos"]["x"], first["gridPos"]["y"]) == ("Data as of", 0, 1)
    shown = {each["matcher"]["options"]: each["properties"][0]["value"] for each in first["fieldConfig"]["overrides"]}
    assert shown == {
        "up": "time:MM-DD HH:mm[, exporter up]",
        "old": "time:MM-DD HH:mm[, up, data old]",
        "down": "time:MM-DD HH:mm[, exporter down]",
    }


@pytest.mark.parametrize("uid", sorted(BOARDS.keys() - {"resource-exporter"}))
def test_the_strip_has_two_rows_of_four_numbers(uid: str) -> None:
    strip = list(panels(BOARDS[uid]))[:8]
    assert {panel["type"] for panel in strip} == {"stat"}
    places = [panel["gridPos"] for panel in strip]
    assert places == [{"x": x, "y": y, "w": 6, "h": 3} for y in (1, 4) for x in (0, 6, 12, 18)]


@each_board
def test_a_tile_has_one_number(uid: str) -> None:
    for panel in panels(BOARDS[uid]):
        if panel["type"] == "stat" and panel["title"] != "Data as of":
            (target,) = panel["targets"]
            named = "{{" in target.get("legendFormat", "")
            assert (panel["options"]["textMode"] == "value") != named, panel["title"]
            assert panel["gridPos"]["w"] >= 5, panel["title"]


@each_board
def test_on_a_phone_a_chart_comes_within_two_screens(uid: str) -> None:
    """Below 769 pixels, Grafana draws the panels below each other, each with its height."""
    in_order = sorted(BOARDS[uid]["panels"], key=lambda panel: (panel["gridPos"]["y"], panel["gridPos"]["x"]))
    first = next(place for place, panel in enumerate(in_order) if panel["type"] not in ("row", "stat"))
    above = sum(panel["gridPos"]["h"] for panel in in_order[:first]) * LINE
    assert above + 450 <= 2 * 800, "with the bar of Grafana and the variables"


@each_board
def test_graphs_have_the_interval_that_fits_their_range(uid: str) -> None:
    assert not any("interval" in panel for panel in panels(BOARDS[uid]))


@pytest.mark.parametrize("uid", ["resource-dashboard", "resource-quest", "resource-exporter"])
def test_five_alerts_are_in_view(uid: str) -> None:
    panel = by_title(uid, "Firing alerts")
    title, row = 40, 36
    assert panel["gridPos"]["h"] * LINE - 8 >= title + 6 * row


@each_board
def test_the_same_amount_reads_the_same(uid: str) -> None:
    for panel in panels(BOARDS[uid]):
        for field in fields(panel):
            if field.get("unit") in DECIMALS and panel["title"] not in PRICES:
                price = "Cost per task" in str(panel["fieldConfig"]) and field.get("decimals") == 4
                assert price or field["decimals"] == DECIMALS[field["unit"]], (panel["title"], field)


@each_board
def test_a_name_of_digits_is_not_written_as_a_number(uid: str) -> None:
    assert {panel["fieldConfig"]["defaults"]["unit"] for panel in panels(BOARDS[uid]) if panel["type"] == "table"} <= {"string"}


@each_board
def test_rates_are_named(uid: str) -> None:
    units = {field["unit"] for panel in panels(BOARDS[uid]) for field in fields(panel) if "unit" in field}
    assert "cps" not in units
    rates = {panel["fieldConfig"]["defaults"]["unit"] for panel in panels(BOARDS[uid]) if "rate(" in str(panel["targets"])}
    assert rates <= {"s", "suffix:/s"}
    assert all(
        "per second" in panel["title"]
        for panel in panels(BOARDS[uid])
        if panel["fieldConfig"]["defaults"]["unit"] == "suffix:/s"
    )


@each_board
def test_other_is_the_last_slice(uid: str) -> None:
    for panel in panels(BOARDS[uid]):
        if panel["type"] == "piechart":
            assert panel["options"]["sort"] == "none"
            legends = [target["legendFormat"] for target in panel["targets"]]
            assert "Other" not in legends[:-1]
            assert panel["targets"][0]["expr"].startswith("sort_desc("), panel["title"]


@each_board
def test_days_become_times_after_all_other_steps(uid: str) -> None:
    """Grafana 11 gives a field of type time the name Time, which other steps drop."""
    for panel in panels(BOARDS[uid]):
        steps = [each["id"] for each in panel.get("transformations", ())]
        assert "convertFieldType" not in steps[:-1], panel["title"]


AUTOMATIC: Final = 150
"""The least width of a column without one, in pixels."""


def inner_width(columns: int) -> float:
    """The pixels that a table has at 1280 pixels in Grafana 12, whose menu is open then, beside its scrollbar."""
    dashboard, gap, padding, scrollbar = 948, 8, 18, 15
    return columns * (dashboard + gap) / 24 - gap - padding - scrollbar


def columns(panel: dict[str, Any]) -> list[dict[str, Any]]:
    """The properties of each visible column of a table with rows."""
    named = [each for each in panel["fieldConfig"]["overrides"][1:] if each["matcher"]["options"] != "Note"]
    found = [{each["id"]: each["value"] for each in override["properties"]} for override in named]
    return [field for field in found if field.keys() & {"unit", "custom.wrapText"}]


@each_board
def test_no_column_is_cut(uid: str) -> None:
    for panel in panels(BOARDS[uid]):
        if panel["type"] == "table":
            widths = [field.get("custom.width", AUTOMATIC) for field in columns(panel)]
            assert sum(widths) <= inner_width(panel["gridPos"]["w"]), panel["title"]


@each_board
def test_long_names_are_wrapped(uid: str) -> None:
    """Grafana 12 would cut them without an ellipsis."""
    for panel in panels(BOARDS[uid]):
        if panel["type"] == "table":
            assert all("unit" in field or field["custom.wrapText"] for field in columns(panel)), panel["title"]
            assert any("unit" not in field for field in columns(panel)), panel["title"]


@each_board
def test_the_legend_of_a_pie_has_room(uid: str) -> None:
    """A legend at the right has at most 60 % of the panel; a name of 24 characters, an amount and a share need 300 pixels."""
    for panel in panels(BOARDS[uid]):
        if panel["type"] == "piechart":
            of_quests = "{{quest}}" in str(panel["targets"])
            assert 0.6 * inner_width(panel["gridPos"]["w"]) >= (300 if of_quests else 245), panel["title"]
