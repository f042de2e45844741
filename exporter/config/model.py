"""The validated configuration: frozen values that the rest of the program may trust without looking again."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

Identifier = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Database:
    """Where one PostgreSQL is. Exactly one of ``dsn``, ``dsn_env`` and ``dsn_file`` is set."""

    name: str
    dsn: str | None = field(repr=False)
    dsn_env: str | None
    dsn_file: Path | None


@dataclass(frozen=True, slots=True)
class Ledger:
    """One ledger as it stands in its database: the profile's mapping with the operator's changes laid over it.

    ``table`` is the identifier in parts (``("public", "cost_ledger")``), ``columns`` maps the ledger's own column names to
    the table's; a column that the source does not have is left out. ``filter`` is the operator's SQL condition.
    """

    name: str
    database: str
    table: Identifier
    columns: Mapping[str, str]
    filter: str | None


@dataclass(frozen=True, slots=True)
class Window:
    """A span of whole days that ends today; ``days`` is None for everything."""

    name: str
    days: int | None


@dataclass(frozen=True, slots=True)
class Refresh:
    """How often to read the ledgers, and when to give up on them."""

    interval: timedelta
    settle: timedelta
    late: timedelta
    statement_timeout: timedelta
    stale_after: timedelta


@dataclass(frozen=True, slots=True)
class Report:
    """What the report shows: its windows, the length of the rankings and of the timeline."""

    windows: tuple[Window, ...]
    top: int
    timeline_days: int


@dataclass(frozen=True, slots=True)
class Waste:
    """A task is wasted with more tokens than ``min_tokens`` and an impact of at most ``max_impact``, or none known."""

    min_tokens: int
    max_impact: Decimal


@dataclass(frozen=True, slots=True)
class Limits:
    """Caps on what a ledger can add to the page; what is beyond is folded into ``other``."""

    max_series: int
    max_providers: int
    models_per_provider: int


@dataclass(frozen=True, slots=True)
class ProviderFamily:
    """A provider as the report names it, and the RE2 expressions (case-blind) that tell it."""

    name: str
    patterns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Config:
    """A whole configuration after validation. ``providers`` are in the order in which they are tried, built-in ones last."""

    profile: str
    timezone: ZoneInfo
    databases: Mapping[str, Database]
    ledgers: Mapping[str, Ledger]
    refresh: Refresh
    state_path: Path
    report: Report
    waste: Waste
    limits: Limits
    providers: tuple[ProviderFamily, ...]
