"""The configuration: one strict YAML file, read into values that the rest of the program trusts without looking again."""

from exporter.config.dsn import conninfo
from exporter.config.errors import ConfigError, Problem, SecretError
from exporter.config.ledgers import LEDGERS
from exporter.config.loader import load, parse
from exporter.config.model import (
    Config,
    Database,
    Identifier,
    Ledger,
    Limits,
    ProviderFamily,
    Refresh,
    Report,
    Waste,
    Window,
)

__all__ = [
    "LEDGERS",
    "Config",
    "ConfigError",
    "Database",
    "Identifier",
    "Ledger",
    "Limits",
    "Problem",
    "ProviderFamily",
    "Refresh",
    "Report",
    "SecretError",
    "Waste",
    "Window",
    "conninfo",
    "load",
    "parse",
]
