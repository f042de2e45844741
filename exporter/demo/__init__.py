"""The demo: a private PostgreSQL, a simulated fleet of agents that writes ledgers into it, and their configuration."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import Progress

from exporter.demo.binaries import EmbeddedPostgresError
from exporter.demo.ledgers import SCIDEX, History, Report, live, prepare
from exporter.demo.litellm import LITELLM
from exporter.demo.postgres import embedded

__all__ = [
    "PROFILES",
    "EmbeddedPostgresError",
    "History",
    "Report",
    "config_text",
    "embedded",
    "live",
    "prepare",
    "progress",
    "say",
]

PROFILES = {"scidex": SCIDEX, "litellm": LITELLM}
LEDGERS = {
    "scidex": """\
  allocations: {database: demo}
  budgets:
    database: demo
    table: quest_budgets
    columns: {quest_id: quest_id, starts_on: starts_on, ends_on: ends_on, budget_usd: budget_usd}
  costs: {database: demo}
  impacts: {database: demo}
  quests: {database: demo}
""",
    "litellm": """\
  budgets: {database: demo}
  costs: {database: demo}
  quests: {database: demo}
  impacts:
    database: demo
    table: scores
    columns: {entry_id: id, occurred_at: judged_at, updated_at: updated_at, task_id: trace_id, task: title, impact_score: score}
""",
}
CONFIG = """\
profile: {profile}
timezone: UTC
databases:
  demo: {{dsn_env: {variable}}}
ledgers:
{ledgers}refresh: {{interval: 5s}}
state: {{path: {state}}}
"""


def config_text(conninfo_env: str, state_path: Path, profile: str = "scidex") -> str:
    """Return the demo's configuration in YAML. ``conninfo_env`` names the environment variable with the connection string."""
    state = json.dumps(str(state_path))  # a JSON string is a YAML string too
    return CONFIG.format(variable=conninfo_env, state=state, profile=profile, ledgers=LEDGERS[profile])


def say(text: str) -> None:
    """Print a line and flush it, because standard output may be a file."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


@contextmanager
def progress() -> Iterator[Report]:
    """Show the progress of :func:`prepare`: a bar on a terminal, otherwise a line for each quarter."""
    console = Console(stderr=True)
    if not (console.is_terminal and Console().is_terminal):
        yield _say_quarters
        return
    with Progress(console=console, transient=True) as bar:
        task = bar.add_task("writing the history")
        yield lambda done, days: bar.update(task, completed=done, total=days)


def _say_quarters(done: int, days: int) -> None:
    if 4 * done // days > 4 * (done - 1) // days:
        say(f"writing the history: {done} of {days} days")
