"""Colours: one meaning each, the same on the page, and text that can be read on them."""

import re
from collections.abc import Iterator, Mapping
from itertools import combinations
from typing import Any

import pytest

from exporter import palette
from exporter.config.providers import BUILT_IN
from grafana import alerts, theme
from tests.grafana.boards import BOARDS, panels

MEANINGS = {palette.ALLOCATED, palette.SPENT, palette.OVER, palette.WARNING, palette.REST}
SETS = {
    "meanings": MEANINGS,
    "layers": set(palette.LAYERS.values()),
    "providers": set(palette.PROVIDERS.values()),
    "reasons": set(palette.REASONS.values()),
    "quests": set(palette.QUESTS.values()),
}
# The background of panels, and the text on a badge that is nearly transparent, in Grafana's two themes.
THEMES = {"light": ("#ffffff", "#202226"), "dark": ("#181b1f", "#f7f8fa")}

each_panel = pytest.mark.parametrize(
    "panel", [pytest.param(panel, id=f"{uid}: {panel['title']}") for uid, board in BOARDS.items() for panel in panels(board)]
)


def rgb(color: str) -> tuple[float, ...]:
    """Red, green and blue from 0 to 1."""
    return tuple(int(color[place : place + 2], 16) / 255 for place in (1, 3, 5))


def luminance(color: tuple[float, ...]) -> float:
    """The relative luminance of WCAG 2.1."""
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in color)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: tuple[float, ...], other: tuple[float, ...]) -> float:
    """The contrast ratio of WCAG 2.1."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def colors(part: object) -> Iterator[str]:
    """Every colour in a JSON value."""
    if isinstance(part, dict):
        yield from (value for key, value in part.items() if key in ("color", "fixedColor") and isinstance(value, str))
        part = list(part.values())
    if isinstance(part, list):
        for inner in part:
            yield from colors(inner)


def painted(panel: dict[str, Any]) -> dict[str, str]:
    """The fixed colours of a panel by the name or the pattern of a field."""
    overrides = panel["fieldConfig"]["overrides"]
    fixed = {each["matcher"]["options"]: {prop["id"]: prop["value"] for prop in each["properties"]} for each in overrides}
    return {name: found["color"]["fixedColor"] for name, found in fixed.items() if "fixedColor" in found.get("color", {})}


@pytest.mark.parametrize("one, other", [*combinations(SETS, 2)])
def test_no_two_sets_share_a_color(one: str, other: str) -> None:
    assert not SETS[one] & SETS[other]


@pytest.mark.parametrize("names", [palette.LAYERS, palette.PROVIDERS, palette.REASONS, palette.QUESTS])
def test_every_name_has_its_own_color(names: Mapping[str, str]) -> None:
    assert len(set(names.values())) == len(names)


def test_every_built_in_provider_has_a_color() -> None:
    assert {family.name for family in BUILT_IN} <= palette.PROVIDERS.keys()


@each_panel
def test_all_colors_are_those_of_the_page(panel: dict[str, Any]) -> None:
    known = set().union(*SETS.values())
    assert set(colors(panel["fieldConfig"])) <= known | {theme.badge(color) for color in known} | {theme.TEXT}


@each_panel
def test_spend_is_not_red_and_overspend_is(panel: dict[str, Any]) -> None:
    found = painted(panel)
    assert found.get("Spent", palette.SPENT) in {palette.SPENT, palette.WARNING}
    assert {found.get(name, palette.OVER) for name in ("Over budget", "Spent, over budget")} == {palette.OVER}
    assert {found.get(name, palette.ALLOCATED) for name in ("Budget", "Under budget")} == {palette.ALLOCATED}


@each_panel
def test_series_of_a_label_have_the_colors_of_its_values(panel: dict[str, Any]) -> None:
    legends = {target.get("legendFormat", "") for target in panel["targets"]}
    if "{{provider}}" in legends:
        assert palette.PROVIDERS.items() <= painted(panel).items()
    if "{{quest}}" in legends:
        assert {f"/{pattern}/": color for pattern, color in palette.QUESTS.items()}.items() <= painted(panel).items()


def test_quests_have_the_same_color_in_grafana_and_on_the_page() -> None:
    (pie,) = (panel for panel in panels(BOARDS["resource-dashboard"]) if panel["title"] == "Allocation of today, by quest")
    patterns = {name.strip("/"): color for name, color in painted(pie).items() if name.startswith("/")}
    for quest in ("Atlas of proteins", "q1", "Übersetzung", "unassigned", "Peer review 7"):
        assert [color for pattern, color in patterns.items() if re.search(pattern, quest)] == [palette.of_quest(quest)]


@pytest.mark.parametrize("mode", THEMES)
@pytest.mark.parametrize(
    "color", sorted({*SETS["layers"], *SETS["providers"], *SETS["reasons"], *alerts.SEVERITIES.values(), palette.REST})
)
def test_the_text_of_a_badge_can_be_read(color: str, mode: str) -> None:
    badge = theme.badge(color)
    opacity = int(badge[7:], 16) / 255
    assert opacity < 0.3, "Grafana would choose the colour of the text by the brightness of the badge"
    below, text = map(rgb, THEMES[mode])
    mixed = tuple(opacity * over + (1 - opacity) * under for over, under in zip(rgb(color), below, strict=True))
    assert contrast(mixed, text) >= 4.5


@each_panel
def test_badges_are_nearly_transparent(panel: dict[str, Any]) -> None:
    for override in panel["fieldConfig"]["overrides"]:
        found = {each["id"]: each["value"] for each in override["properties"]}
        if str(found.get("custom.displayMode", "")).startswith("color-background"):
            assert all(len(color) == len("#rrggbbaa") for color in colors(override)), override
