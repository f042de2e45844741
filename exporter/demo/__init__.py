"""The demo: a private PostgreSQL, a simulated fleet of agents whose ledgers it holds, and a configuration that reads them."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import Progress

from exporter.demo.binaries import EmbeddedPostgresError
from exporter.demo.ledgers import History, Report, live, prepare
from exporter.demo.postgres import embedded

__all__ = ["EmbeddedPostgresError", "History", "Report", "config_text", "embedded", "live", "prepare", "progress"]

CONFIG = """\
profile: scidex
timezone: UTC
databases:
  demo: {{dsn_env: {variable}}}
ledgers:
  allocations: {{database: demo}}
  costs: {{database: demo}}
  impacts: {{database: demo}}
  quests: {{database: demo}}
refresh: {{interval: 5s}}
state: {{path: {state}}}
"""


def config_text(conninfo_env: str, state_path: Path) -> str:
    """The demo's ``config.yml``. ``conninfo_env`` names the environment variable with the connection string."""
    return CONFIG.format(variable=conninfo_env, state=json.dumps(str(state_path)))  # a JSON string is a YAML string too


@contextmanager
def progress() -> Iterator[Report]:
    """A progress bar for :func:`prepare` on standard error, where that is a terminal, and nothing elsewhere."""
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("writing the history")
        yield lambda done, days: bar.update(task, completed=done, total=days)
