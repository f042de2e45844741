"""What the commands do with their options. Each raises ConfigError when the configuration is wrong."""

import argparse
import asyncio
import sys
from pathlib import Path

from exporter import app, backfill, check
from exporter.backfill import Target, parse_span
from exporter.calendar import Calendar
from exporter.config import ConfigError, load
from exporter.config.errors import Problem
from exporter.flags import PREFIX
from exporter.web.server import parse_address, parse_path

IMPORT = "written; to import it: promtool tsdb create-blocks-from --max-block-duration=24h openmetrics {file} DATA_DIRECTORY"


def run_serve(options: argparse.Namespace) -> None:
    """Serve until stopped."""
    lifecycle = options.web_enable_lifecycle == "true"
    web = app.Web(
        parse_address(options.web_listen_address),
        parse_path(options.web_telemetry_path),
        lifecycle,
        None if options.web_config_file is None else _named(options.web_config_file),
    )
    file = _existing(options.config_file)
    asyncio.run(app.run(lambda: load(file), web))


def _existing(file: Path) -> Path:
    """Return the configuration file; raises ConfigError with a hint for newcomers when it does not exist."""
    if not file.exists():
        remedy = "start from the one in resource-exporter check --help, or run resource-exporter demo, which needs none"
        raise ConfigError(str(file), [Problem(None, (), f"file does not exist; fix: {remedy}")])
    return file


def _named(file: str) -> Path:
    """Return the web configuration file; raises ConfigError when it is empty.

    An unset variable in a template leaves an empty value. Ignoring it would silently serve without TLS and passwords.
    """
    if not file:
        remedy = f"name a file, or remove the flag and {PREFIX}WEB_CONFIG_FILE to serve without TLS and passwords"
        raise ConfigError("--web.config.file", [Problem(None, (), f"is empty; fix: {remedy}")])
    return Path(file)


def run_check(options: argparse.Namespace) -> int:
    """Print what is wrong with the ledgers, and return the exit code."""
    return asyncio.run(check.run(load(_existing(options.config_file)), sys.stdout))


def run_backfill(options: argparse.Namespace) -> None:
    """Write the history into a file, and print how to import it."""
    config = load(_existing(options.config_file))
    calendar = Calendar(config.timezone)
    span = parse_span(calendar, options.span_from, options.span_to, options.step, app.now())
    asyncio.run(backfill.run(config, span, Target(options.job, options.instance), options.output))
    sys.stdout.write(f"{IMPORT.format(file=options.output)}\n")


def run_demo(options: argparse.Namespace) -> None:
    """Serve the simulated fleet until stopped."""
    from exporter.demo.run import run  # noqa: PLC0415 - the other commands work without the extra

    run(
        app.Web(parse_address(options.web_listen_address), parse_path(options.web_telemetry_path)),
        options.seed,
        options.profile,
    )
