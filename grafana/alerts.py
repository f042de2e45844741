"""The alerts that fire. Prometheus writes their series itself: they have the labels of the rule, not those of a scrape."""

from typing import Final

from exporter.palette import OVER, WARNING
from grafana import theme
from grafana.layout import Tile
from grafana.panels import Words
from grafana.tables import Key, Value, rows

OF_QUESTS: Final = 'quest_id=~"$quest|"'
"""Selects the alerts on the chosen quests, and those on no quest: on providers and on the exporter itself."""
SEVERITIES: Final = {"critical": OVER, "warning": WARNING}
_ABOUT: Final = ("period", "provider", "ledger", "collector", "shard")
MOST: Final = 50


def tile(width: int, *matchers: str, link: tuple[str, str] | None = None) -> Tile:
    """The alerts of the chosen jobs that also have these matchers, the longest first; with room for five rows."""
    words = Words(
        "Firing alerts",
        "Alerts of Prometheus on quests and on the exporter itself that fire now, and for how long. The page Alerts of the"
        " documentation says what to do about each. Without the rules in rules/, none fires.",
        "No alert is firing",
    )
    keys = (
        Key("severity", "Severity", width=75, colors=SEVERITIES),
        Key("alertname", "Alert", width=195),
        Key("quest_id", "Quest", link=link),
        Key("about", "About"),
    )
    labels = ", ".join(key.label for key in keys)
    selected = ",".join(('job=~"$job"', *matchers))
    active = Value("Active for", f"max by ({labels}) ({_active(selected)})", theme.SECONDS, width=90)
    return Tile(rows(words, keys, (active,), most=MOST), width, 8)


def _active(selected: str) -> str:
    """Seconds for which each alert has been active, with what it is about in one label."""
    since = f'ALERTS_FOR_STATE{{{selected}}} and ignoring (alertstate) ALERTS{{{selected},alertstate="firing"}}'
    sources = ", ".join(f'"{label}"' for label in _ABOUT)
    return f'label_join(time() - ({since}), "about", " ", {sources})'
