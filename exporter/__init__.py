"""Resource Exporter: budgets, spend and impact of AI agents, from PostgreSQL ledgers to Prometheus.

The names in ``__all__`` are the Python interface, described in docs/python.md. They are imported when they are first used,
because the command line needs this module for its version only.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from exporter.api import ReadError, read, read_async
    from exporter.config import ConfigError
    from exporter.snapshot import LedgerStatus, Snapshot

__version__ = "0.1.0"
__all__ = ["ConfigError", "LedgerStatus", "ReadError", "Snapshot", "__version__", "read", "read_async"]

_MODULES = {
    "ConfigError": "exporter.config",
    "LedgerStatus": "exporter.snapshot",
    "ReadError": "exporter.api",
    "Snapshot": "exporter.snapshot",
    "read": "exporter.api",
    "read_async": "exporter.api",
}


if not TYPE_CHECKING:  # a type checker would take every name for an object

    def __getattr__(name: str) -> object:
        if name not in _MODULES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(_MODULES[name]), name)
