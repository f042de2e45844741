"""The common parts of all dashboards, and the layout of panels: positions and ids follow from their order."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from grafana_foundation_sdk.builders.dashboard import Dashboard, DatasourceVariable, QueryVariable, Row
from grafana_foundation_sdk.models.dashboard import DashboardCursorSync, GridPos

from grafana.links import TAG, all_dashboards
from grafana.panels import Panel

COLUMNS: Final = 24
REFRESH: Final = "30s"


@dataclass(frozen=True)
class Tile:
    """A panel, its width in columns (24 per screen) and its height in grid units of about 38 pixels."""

    panel: Panel
    width: int
    height: int


@dataclass(frozen=True)
class Section:
    """A titled row of a dashboard, which users can collapse."""

    title: str
    tiles: Sequence[Tile]


@dataclass(frozen=True)
class Page:
    """The content of one dashboard."""

    uid: str
    title: str
    text: str
    since: str
    """The start of the time range, such as ``now-24h``; it ends now."""
    variables: Sequence[DatasourceVariable | QueryVariable]
    sections: Sequence[Section]


def compose(page: Page) -> Dashboard:
    """Build a dashboard.

    Raises:
        ValueError: the tiles of a section do not fit side by side.
    """
    dashboard = Dashboard(page.title).uid(page.uid).description(page.text).tags([TAG]).readonly()
    dashboard.timezone("browser").refresh(REFRESH).time(page.since, "now").tooltip(DashboardCursorSync.CROSSHAIR)
    dashboard.link(all_dashboards())
    for variable in page.variables:
        dashboard.with_variable(variable)
    _place(dashboard, page.sections)
    return dashboard


def _place(dashboard: Dashboard, sections: Sequence[Section]) -> None:
    """Add the sections below each other. A tile goes to the highest free position, so low tiles can stack beside a high one."""
    number, floor = 0, 0
    for section in sections:
        number += 1
        dashboard.with_row(Row(section.title).id(number).grid_pos(GridPos(h=1, w=COLUMNS, x=0, y=floor)))
        skyline = [floor + 1] * COLUMNS
        for tile in section.tiles:
            number += 1
            dashboard.with_panel(tile.panel.id(number).grid_pos(_position(tile, skyline)))
        floor = max(skyline)


def _position(tile: Tile, skyline: list[int]) -> GridPos:
    """Return the position of a tile and update the skyline: the first free line of each column."""
    top = min(skyline)
    left = skyline.index(top)
    taken = slice(left, left + tile.width)
    if skyline[taken] != [top] * tile.width:
        raise ValueError(f"a tile of width {tile.width} does not fit at line {top}, column {left}")
    skyline[taken] = [top + tile.height] * tile.width
    return GridPos(h=tile.height, w=tile.width, x=left, y=top)
