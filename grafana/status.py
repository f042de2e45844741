"""The first tile of every dashboard: how old the data are, and whether the exporter is up."""

from typing import Final

from grafana_foundation_sdk.builders.stat import Panel as Stat

from exporter.palette import ALLOCATED, OVER
from exporter.telemetry import PREFIX
from grafana.layout import Tile
from grafana.panels import SMALL, Query, Words, missing, number
from grafana.queries import RECENT, TARGET, own
from grafana.theme import colored, unit

STALE_AFTER: Final = 120
"""Seconds after which data are old."""
_READ: Final = own("collector_last_success_timestamp_seconds")
_SHARDS: Final = f'{PREFIX}build_info{{{TARGET},shard!=""}}'
_STATES: Final = {"up": ("exporter up", ALLOCATED), "old": ("up, data old", OVER), "down": ("exporter down", OVER)}


def tile() -> Tile:
    """The time at which the data were read: of several shards or sections, the one that lags behind."""
    words = Words(
        "Data as of",
        "When the ledgers were read last. Red: that is more than 2 minutes ago, or Prometheus cannot scrape the exporter, or"
        " one of several shards. Then open the dashboard Exporter; until it is up again, numbers of today are absent, and"
        " graphs end.",
        "no data: nothing read in 24 hours",
    )
    panel = number(words, _shown("exporter up"), *_queries()).mappings([missing(words.absent, OVER)])
    panel.text(SMALL)
    return Tile(_in_colors(panel), 6, 3)


def _queries() -> tuple[Query, Query, Query]:
    """At any time, at most one of them has a value: milliseconds in Unix time."""
    gone = f"last_over_time({_SHARDS}[{RECENT}]) unless on (job, shard) {_SHARDS}"
    up = f"min(max by (job) (up{{{TARGET}}})) == 1 unless on () group({gone})"
    read = f"min(max by (job, shard, collector) ({_READ}))"
    last = f"min(max by (job, shard, collector) (last_over_time({_READ}[{RECENT}])))"
    return (
        Query(f"1000 * ({read} > time() - {STALE_AFTER}) and on () ({up})", "up"),
        Query(f"1000 * ({read} <= time() - {STALE_AFTER}) and on () ({up})", "old"),
        Query(f"1000 * {last} unless on () ({up})", "down"),
    )


def _in_colors(panel: Stat) -> Stat:
    for name, (text, color) in _STATES.items():
        panel.override_by_name(name, [unit(_shown(text)), colored(color)])
    return panel


def _shown(text: str) -> str:
    """The format of a moment, followed by a text."""
    return f"time:MM-DD HH:mm[, {text}]"
