"""The work of the exporter over time."""

from grafana import absent, theme
from grafana.layout import Tile
from grafana.panels import Query, Words, course
from grafana.queries import TARGET, growth, own, total


def freshness() -> list[Tile]:
    """How old the data are."""
    newest = Words(
        "Age of the newest entry, by ledger",
        "Time since the newest entry. If it is unusually long while the ledger is up, the writers are late, not the exporter.",
        absent.EXPORTER,
    )
    success = Words(
        "Age of last success, by section",
        "Time since the data of each section were read. It should stay below two refresh intervals; if it grows, the section"
        " fails.",
        absent.EXPORTER,
    )
    reload = Words(
        "Age of the configuration",
        "Time since the configuration was last loaded. If it is shorter than expected, the exporter has restarted.",
        absent.EXPORTER,
    )
    return [
        Tile(course(newest, theme.SECONDS, _age("ledger_newest_entry_timestamp_seconds", "ledger")), 8, 8),
        Tile(course(success, theme.SECONDS, _age("collector_last_success_timestamp_seconds", "collector")), 8, 8),
        Tile(course(reload, theme.SECONDS, _age("config_last_reload_success_timestamp_seconds", "instance")), 8, 8),
    ]


def _age(timestamp: str, by: str) -> Query:
    return Query(f"time() - min by ({by}) ({own(timestamp)})", f"{{{{{by}}}}}")


def refreshes() -> list[Tile]:
    """How long refreshes take, and how they end."""
    bucket = growth("refresh_duration_seconds_bucket", "le, stage")
    spent, ended = (growth(f"refresh_duration_seconds_{part}", "stage") for part in ("sum", "count"))
    slowest = Words(
        "Refresh time, 99th percentile, by stage",
        "99 of 100 refreshes are faster than this. If read grows, the database is slow: check its indexes with"
        " resource-exporter check. If sections grows, there are too many series.",
        absent.EXPORTER,
    )
    mean = Words(
        "Refresh time, mean, by stage",
        "Where a refresh spends its time. The total should be well below the refresh interval.",
        absent.EXPORTER,
    )
    outcome = Words(
        "Refreshes per second, by outcome",
        "partial: a ledger or a section failed. failure: nothing was published. Both should be 0.",
        absent.EXPORTER,
    )
    section = Words("Time by section", "Duration of each section in the last refresh.", absent.EXPORTER)
    return [
        Tile(course(slowest, theme.SECONDS, Query(f"histogram_quantile(0.99, {bucket})", "{{stage}}")), 12, 8),
        Tile(course(mean, theme.SECONDS, Query(f"{spent} / ({ended} > 0)", "{{stage}}")), 12, 8),
        Tile(course(outcome, theme.PER_SECOND, Query(growth("refreshes_total", "outcome"), "{{outcome}}")), 12, 8),
        Tile(
            course(section, theme.SECONDS, Query(f"max by (collector) ({own('collector_duration_seconds')})", "{{collector}}")),
            12,
            8,
        ),
    ]


def exactness() -> list[Tile]:
    """What was read, compared and repaired."""
    rows = Words(
        "Rows read per second, by ledger",
        "Rows fetched. A lasting increase means that many entries are written late or changed.",
        absent.EXPORTER,
    )
    audits = Words(
        "Audited buckets per second, by ledger",
        "Buckets compared with the ledger. If it is 0 for a day, audits have stopped and silent changes are not found.",
        absent.EXPORTER,
    )
    repairs = Words(
        "Repaired buckets per second, by ledger",
        "Buckets that differed from the ledger and were read again. Rows were deleted or back-dated silently:"
        " find out by whom.",
        absent.EXPORTER,
    )
    rejected = Words(
        "Rejected entries, by reason",
        "Entries that are excluded from all metrics, such as an amount of NaN. Fix them in the ledger.",
        "No entry is rejected",
    )
    rejections = total(f"max without (instance) ({own('rejected_rows')})", "ledger", "reason")
    return [
        Tile(course(rows, theme.PER_SECOND, Query(growth("ledger_rows_read_total", "ledger"), "{{ledger}}")), 12, 8),
        Tile(course(audits, theme.PER_SECOND, Query(growth("audited_buckets_total", "ledger"), "{{ledger}}")), 12, 8),
        Tile(course(repairs, theme.PER_SECOND, Query(growth("audit_repairs_total", "ledger"), "{{ledger}}")), 12, 8),
        Tile(course(rejected, theme.COUNT, Query(rejections, "{{ledger}}: {{reason}}")), 12, 8),
    ]


def size() -> list[Tile]:
    """How much is served, and what it costs."""
    series = Words(
        "Series, by section",
        "Data series served. If the number keeps growing, there are too many quests or models: see limits in the"
        " configuration.",
        absent.EXPORTER,
    )
    folded = Words(
        "Series folded into other",
        "0 is normal. Above 0 a limit was reached: sums are correct but names are missing. Raise limits.max_series.",
        absent.EXPORTER,
    )
    memory = Words(
        "Memory", "Resident memory of the process. If it grows while the series do not, report a leak.", absent.EXPORTER
    )
    cpu = Words(
        "CPU", "Seconds of CPU time per second. Near 1 refreshes use a whole core: raise refresh.interval.", absent.EXPORTER
    )
    scraped = Words("Samples per scrape", "Samples in a scrape, as counted by Prometheus.", absent.EXPORTER)
    took = Words(
        "Scrape duration",
        "Duration of a scrape, as measured by Prometheus. The exporter serves rendered bytes, so a slow scrape is a slow"
        " network.",
        absent.EXPORTER,
    )
    each = "{{instance}}"
    by_section = total(f"max without (instance) ({own('series')})", "section")
    return [
        Tile(course(series, theme.COUNT, Query(by_section, "{{section}}"), stacked=True), 8, 8),
        Tile(course(folded, theme.COUNT, Query(f"max by (instance) ({own('folded_series')})", each)), 8, 8),
        Tile(course(memory, theme.BYTES, Query(f"process_resident_memory_bytes{{{TARGET}}}", each)), 8, 8),
        Tile(course(cpu, theme.SECONDS, Query(f"rate(process_cpu_seconds_total{{{TARGET}}}[$__rate_interval])", each)), 8, 8),
        Tile(course(scraped, theme.COUNT, Query(f"scrape_samples_scraped{{{TARGET}}}", each)), 8, 8),
        Tile(course(took, theme.SECONDS, Query(f"scrape_duration_seconds{{{TARGET}}}", each)), 8, 8),
    ]
