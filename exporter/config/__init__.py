"""The configuration: one strict YAML file, validated once; the program uses the validated values."""

from exporter.config.dsn import Database, conninfo
from exporter.config.errors import ConfigError, Problem, SecretError
from exporter.config.ledgers import LEDGERS, Ledger
from exporter.config.loader import from_settings, load, parse
from exporter.config.providers import ProviderFamily
from exporter.config.settings import Config, Limits, Refresh, ReportSettings, State, Waste
from exporter.config.values import Window

__all__ = [
    "LEDGERS",
    "Config",
    "ConfigError",
    "Database",
    "Ledger",
    "Limits",
    "Problem",
    "ProviderFamily",
    "Refresh",
    "ReportSettings",
    "SecretError",
    "State",
    "Waste",
    "Window",
    "conninfo",
    "from_settings",
    "load",
    "parse",
]
