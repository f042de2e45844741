"""Checks for common mistakes in dashboards."""

import re
from collections.abc import Iterator

import pytest

from tests.grafana.boards import BOARDS, panels, variables

DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}
LINK = re.compile(r"/d/([\w-]+)\?")

each_board = pytest.mark.parametrize("uid", BOARDS)


def urls(part: object) -> Iterator[str]:
    """Every URL in a JSON value."""
    if isinstance(part, dict):
        yield from (value for key, value in part.items() if key == "url" and isinstance(value, str))
        part = list(part.values())
    if isinstance(part, list):
        for inner in part:
            yield from urls(inner)


@each_board
def test_dashboard_is_read_only_and_ready_for_provisioning(uid: str) -> None:
    board = BOARDS[uid]
    assert board["uid"] == uid
    assert (board["editable"], board["timezone"], board["refresh"]) == (False, "browser", "30s")
    assert board["tags"] == ["resource"]
    assert not {"__inputs", "__requires", "apiVersion", "kind"} & board.keys()


@each_board
def test_one_dropdown_links_all_dashboards(uid: str) -> None:
    (link,) = BOARDS[uid]["links"]
    assert (link["type"], link["tags"], link["asDropdown"]) == ("dashboards", ["resource"], True)
    assert link["includeVars"]
    assert link["keepTime"]
    assert "placement" not in link, "Grafana 12.3 hides a link with any placement"


@each_board
def test_panel_has_title_description_unit_and_datasource(uid: str) -> None:
    for panel in panels(BOARDS[uid]):
        assert panel["title"]
        assert len(panel["description"]) > 20, panel["title"]
        assert panel["fieldConfig"]["defaults"]["unit"], panel["title"]
        assert panel["datasource"] == DATASOURCE, panel["title"]
        assert all(target["datasource"] == DATASOURCE for target in panel["targets"]), panel["title"]


@each_board
def test_ids_are_unique(uid: str) -> None:
    ids = [panel["id"] for panel in BOARDS[uid]["panels"]]
    assert ids == list(range(1, len(ids) + 1))
    for panel in panels(BOARDS[uid]):
        refs = [target["refId"] for target in panel["targets"]]
        assert len(refs) == len(set(refs)) > 0, panel["title"]


@each_board
def test_panels_do_not_overlap(uid: str) -> None:
    covered: set[tuple[int, int]] = set()
    for panel in BOARDS[uid]["panels"]:
        place = panel["gridPos"]
        cells = {(x, y) for x in range(place["x"], place["x"] + place["w"]) for y in range(place["y"], place["y"] + place["h"])}
        assert max(x for x, _ in cells) < 24, panel["title"]
        assert not cells & covered, panel["title"]
        covered |= cells
    lines = max(y for _, y in covered) + 1
    assert len(covered) == 24 * lines, "there is a hole"


@each_board
def test_datasource_comes_first(uid: str) -> None:
    name, variable = next(iter(variables(BOARDS[uid]).items()))
    assert (name, variable["label"], variable["type"], variable["query"]) == (
        "datasource",
        "Data source",
        "datasource",
        "prometheus",
    )


@each_board
def test_variables_follow_the_time_range(uid: str) -> None:
    for name, variable in variables(BOARDS[uid]).items():
        assert variable["label"], name
        if variable["type"] == "query":
            assert variable["refresh"] == 2, name
            assert variable["datasource"] == DATASOURCE, name
        if variable["includeAll"]:
            assert variable["allValue"] == ".+", name


@each_board
def test_links_lead_to_a_dashboard_and_keep_the_filters(uid: str) -> None:
    for url in set(urls(BOARDS[uid])):
        found = LINK.match(url)
        assert found, url
        target = variables(BOARDS[found[1]])
        assert set(re.findall(r"&var-(\w+)=", url)) <= target.keys(), url
        carried = set(re.findall(r"\$\{(\w+):queryparam\}", url))
        chosen = {"datasource", "job", "instance"} | ({"window"} if uid != "resource-month" else set())
        assert carried == chosen <= variables(BOARDS[uid]).keys(), url
        assert ("&var-window=30d&" in url) == (uid == "resource-month"), url
        assert carried <= target.keys(), url
        assert url.endswith("&${__url_time_range}")


@each_board
def test_links_use_labels_of_the_query(uid: str) -> None:
    for panel in panels(BOARDS[uid]):
        for url in urls(panel):
            for label in re.findall(r"__field\.labels\.(\w+)", url):
                assert all(re.search(rf"by \([^)]*\b{label}\b", target["expr"]) or target["legendFormat"] == "Other"
                           for target in panel["targets"]), panel["title"]  # fmt: skip
