"""The keys of a configuration file, their types and defaults. docs/configuration.md documents every key."""

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, PlainValidator, field_validator

from exporter import profiles
from exporter.config import names, values
from exporter.config.dsn import Database
from exporter.config.errors import KeyPath
from exporter.config.ledgers import LEDGERS, MEASURED, Ledger, LedgerName, Table
from exporter.config.providers import BUILT_IN, ProviderFamily, families
from exporter.config.validation import Entries, Strict, parsed
from exporter.config.values import Window

DEFAULT_PROFILE = "scidex"

Count = Annotated[int, PlainValidator(values.whole(1, 2**31 - 1))]
Duration = Annotated[timedelta, parsed(timedelta, values.duration)]
Windows = Annotated[tuple[Annotated[Window, parsed(Window, values.window)], ...], AfterValidator(values.windows)]


class Refresh(Strict):
    """``refresh``: how often to read the ledgers, and how long to wait for them."""

    interval: Duration = timedelta(seconds=15)
    settle: Duration = timedelta(minutes=15)
    late: Duration = timedelta(hours=12)
    statement_timeout: Duration = timedelta(seconds=20)
    stale_after: Duration = timedelta(minutes=10)


class State(Strict):
    """``state``: the file of the rollups, and for how many days it keeps the calls and outcomes of each task."""

    path: Annotated[Path, parsed(Path, names.file)] = Path("rollups.duckdb")
    tasks_for: Annotated[timedelta, parsed(timedelta, values.days)] = timedelta(days=90)


class ReportSettings(Strict):
    """``report``: its windows, the length of the rankings, of all quests and of each, and of the timeline in days."""

    windows: Windows = (Window("1d", 1), Window("7d", 7), Window("30d", 30), Window("lifetime", None))
    top: Count = 15
    quest_top: Annotated[int, PlainValidator(values.whole(0, 1000))] = 5
    timeline_days: Annotated[int, PlainValidator(values.whole(1, 366))] = 30


class Waste(Strict):
    """``waste``: a task is wasted with more tokens than ``min_tokens`` and an impact of at most ``max_impact``, or none."""

    min_tokens: Annotated[int, PlainValidator(values.whole(0, 2**63 - 1))] = 1000
    max_impact: Annotated[Decimal, PlainValidator(values.number)] = Decimal("0.5")


class Limits(Strict):
    """``limits``: how many series, providers and models the metrics may have; the rest is folded into ``other``."""

    max_series: Count = 50_000
    max_providers: Count = 50
    models_per_provider: Count = 50


def _profile(value: object) -> str:
    return names.one_of("profile", profiles.names(), value)


class Config(Strict):
    """A whole configuration. ``providers`` are in the order in which they are tried, the built-in ones last.

    ``shard`` is a label of all metrics; None means that one exporter reads everything, and that there is no such label.
    """

    profile: Annotated[str, PlainValidator(_profile)] = DEFAULT_PROFILE
    timezone: Annotated[ZoneInfo, parsed(ZoneInfo, values.timezone)] = ZoneInfo("UTC")
    databases: Entries[Annotated[str, AfterValidator(names.database)], Database] = Field({}, validate_default=True)
    ledgers: Entries[LedgerName, Ledger] = Field({}, validate_default=True)
    refresh: Refresh = Refresh()
    state: State = State()
    report: ReportSettings = ReportSettings()
    waste: Waste = Waste()
    limits: Limits = Limits()
    shard: Annotated[str, PlainValidator(names.shard)] | None = None
    providers: Annotated[tuple[ProviderFamily, ...], parsed(tuple, families)] = BUILT_IN

    @property
    def tasks_for(self) -> timedelta:
        """For how long tasks are kept one by one: as long as the longest window, at least."""
        return max(self.state.tasks_for, *(timedelta(days=window.days or 0) for window in self.report.windows))

    @field_validator("databases")
    @classmethod
    def _some_database(cls, value: Mapping[str, Database]) -> Mapping[str, Database]:
        if not value:
            raise ValueError("name at least one database, such as main: {dsn_env: MAIN_DSN}")
        return value

    @field_validator("ledgers")
    @classmethod
    def _some_numbers(cls, value: Mapping[str, Ledger]) -> Mapping[str, Ledger]:
        if not value.keys() & set(MEASURED):
            raise ValueError(f"give at least one of {', '.join(MEASURED)}, such as costs: {{database: main}}")
        return MappingProxyType({name: value[name] for name in LEDGERS if name in value})

    @classmethod
    def shown(cls, path: KeyPath, data: Mapping[str, object]) -> KeyPath:
        """Below ``databases``, an unknown key may be part of a connection string that was not quoted: the line is enough."""
        databases = data.get("databases")
        if path[:1] != ("databases",) or not isinstance(databases, dict):
            return path
        if len(path) == 1 or not isinstance(databases[path[1]], dict):
            return path[:1]
        return path[:3] if path[2:3] and path[2] in Database.known_keys() else path[:2]


class Profile(Strict):
    """A whole profile."""

    ledgers: Entries[LedgerName, Table]
