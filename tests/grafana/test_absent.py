"""What the dashboards say where they know nothing."""

import re
from typing import Any

import pytest

from exporter.palette import OVER, REST
from tests.grafana.boards import BOARDS, fields, panels, variables
from tests.grafana.conftest import Prometheus

each_board = pytest.mark.parametrize("uid", BOARDS)
NOTHING_IS_GOOD = {
    "No alert is firing",
    "No entry is rejected",
}


@each_board
def test_every_panel_says_why_it_is_empty(uid: str) -> None:
    for panel in panels(BOARDS[uid]):
        text = panel["fieldConfig"]["defaults"]["noValue"]
        assert text in NOTHING_IS_GOOD or re.fullmatch(r"no data: .{8,}", text), panel["title"]


@each_board
def test_an_absent_number_is_grey_and_small(uid: str) -> None:
    """Grafana makes a text as large as its tile allows: one of 34 characters and more is far smaller than a number."""
    for panel in panels(BOARDS[uid]):
        if panel["type"] == "stat":
            defaults = panel["fieldConfig"]["defaults"]
            assert len(defaults["noValue"]) >= 34 or panel["title"] == "Data as of", panel["title"]
            special = [each["options"] for each in defaults["mappings"] if each["type"] == "special"]
            color = OVER if panel["title"] == "Data as of" else REST
            match = "null" if defaults["unit"] == "string" else "null+nan"
            assert special == [{"match": match, "result": {"text": defaults["noValue"], "color": color}}], panel["title"]
            assert not any("mappings" in override for override in list(fields(panel))[1:]), panel["title"]


@each_board
def test_there_are_no_bar_gauges(uid: str) -> None:
    """Grafana before 10.2 draws a single bar, or none, as high as the panel."""
    assert {panel["type"] for panel in panels(BOARDS[uid])} <= {"stat", "table", "timeseries", "piechart"}


@each_board
def test_an_absent_cell_is_a_dash(uid: str) -> None:
    for panel in panels(BOARDS[uid]):
        if panel["type"] == "table":
            first = panel["fieldConfig"]["overrides"][0]
            assert first == {"matcher": {"id": "byRegexp", "options": "/.*/"}, "properties": [{"id": "noValue", "value": "–"}]}


@each_board
def test_titles_use_variables_that_always_have_a_value(uid: str) -> None:
    for panel in BOARDS[uid]["panels"]:
        for name in re.findall(r"\$([a-z]+)", panel["title"]):
            variable = variables(BOARDS[uid])[name]
            assert variable["includeAll"] or " or on () label_replace(vector(0), " in variable["query"]["query"], panel["title"]


@pytest.mark.prometheus("prometheus")
@pytest.mark.slow
@pytest.mark.parametrize("uid, name, default", [("resource-dashboard", "window", "30d"), ("resource-quest", "period", "month")])
def test_a_variable_without_data_has_its_default(prometheus: Prometheus, uid: str, name: str, default: str) -> None:
    variable: dict[str, Any] = variables(BOARDS[uid])[name]
    query = re.fullmatch(r"query_result\((.*)\)", variable["query"]["query"])[1]  # type: ignore[index]
    ((labels, _),) = prometheus.now(query.replace("$job", "none").replace("$instance", "none"))
    assert labels == {name: default}
    found = re.search(variable["regex"].strip("/"), f'{{{name}="{labels[name]}"}} 0 1700000000000')
    assert found is not None
    assert found[1] == default == variable["current"]["value"]


@each_board
def test_a_table_of_several_queries_has_a_row_with_the_reason(uid: str) -> None:
    """In the place of a table without rows, Grafana 12 has a text only if there is no column: with a single query."""
    for panel in panels(BOARDS[uid]):
        if panel["type"] == "table" and len(panel["targets"]) > 1:
            first, last = (panel["targets"][place] for place in (0, -1))
            text = panel["fieldConfig"]["defaults"]["noValue"]
            assert last["expr"] == f'label_replace(absent({first["expr"]}), "Note", "{text}", "", "")', panel["title"]
            (organize,) = (step["options"] for step in panel["transformations"] if step["id"] == "organize")
            assert {"Value", f"Value #{last['refId']}"} <= organize["excludeByName"].keys(), panel["title"]
