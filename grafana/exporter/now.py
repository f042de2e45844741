"""The state of the exporter now."""

from exporter.sections import info
from grafana import absent, alerts, status, theme
from grafana.layout import Tile
from grafana.panels import Panel, Query, Words, names, number, states
from grafana.queries import TARGET, every, own


def tiles() -> list[Tile]:
    """What works and what does not, and the alerts on the exporter itself."""
    ledgers = Words(
        "Ledgers up",
        "Whether each ledger was read at the last refresh. If not, run resource-exporter check, which says how to fix it.",
        absent.EXPORTER,
    )
    sections = Words(
        "Sections computed",
        "Whether each section of the report was computed at the last refresh. If not, the log has the error.",
        absent.EXPORTER,
    )
    return [
        status.tile(),
        *(Tile(panel, 6, 3) for panel in (_scraped(), _config(), _version())),
        Tile(states(ledgers, Query(f"min by (ledger) ({own('ledger_up')})", "{{ledger}}")), 8, 5),
        Tile(states(sections, Query(f"min by (collector) ({own('collector_success')})", "{{collector}}")), 11, 5),
        Tile(_zone(), 5, 5),
        alerts.tile(24, 'quest_id=""', 'provider=""'),
    ]


def _scraped() -> Panel:
    words = Words(
        "Scraped",
        "Exporters that Prometheus can scrape. If some are missing, see the targets page of Prometheus.",
        "no data: no exporter is a target of Prometheus",
    )
    return number(words, theme.COUNT, Query(f"sum(up{{{TARGET}}})"), color=theme.ONE_IS_GOOD)


def _config() -> Panel:
    words = Words(
        "Configuration",
        "Whether the last load of the configuration succeeded. If not, the previous one is still in use; the log has the"
        " error.",
        absent.EXPORTER,
    )
    return states(words, Query(f"min({own('config_last_reload_successful')})"))


def _version() -> Panel:
    words = Words("Version", "The running version. All replicas should run the same one.", absent.EXPORTER)
    return names(words, "version", f"count by (version) ({own('build_info')})")


def _zone() -> Panel:
    words = Words(
        "Time zone", "The time zone of the budget day. It must be that of the people who set the budgets.", absent.EXPORTER
    )
    return names(words, "timezone", f"count by (timezone) ({every(info.INFO)})")
