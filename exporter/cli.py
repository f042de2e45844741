"""The command line, named as Prometheus' own tools name theirs. Every flag can be set in the environment too."""

import argparse
import asyncio
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from exporter import __version__, app, backfill, check, logs
from exporter.backfill import STEPS, BackfillError, SpanError, Target, parse_span
from exporter.calendar import Calendar
from exporter.config import ConfigError, load
from exporter.config.errors import Problem
from exporter.demo.binaries import EmbeddedPostgresError
from exporter.flags import PREFIX, Parser, one_of, parse
from exporter.rollups import RollupFileError
from exporter.web.server import AddressError, parse_address, parse_path

IMPORT = "written; import it: promtool tsdb create-blocks-from --max-block-duration=24h openmetrics {file} DATA_DIRECTORY"
USER_ERRORS = (AddressError, SpanError, BackfillError, EmbeddedPostgresError, RollupFileError, OSError)
DESCRIPTION = """\
Reads the ledgers of AI agents (budgets, costs, impact) from PostgreSQL and serves gauges to Prometheus.

  resource-exporter demo                          try it: a simulated fleet, no configuration
  resource-exporter check --config.file=my.yml    would it work with my database?
  resource-exporter serve --config.file=my.yml    run it
"""
COMMANDS = ("serve", "check", "backfill", "demo")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit code: 0, or 1 with one line on standard error that says what to fix."""
    options = parse(_parser(), COMMANDS, sys.argv[1:] if arguments is None else arguments)
    try:
        logs.configure(options.log_level, options.log_format, sys.stderr)
        return options.command(options) or 0
    except ConfigError as error:  # holds no secret, and shows how a connection string is written
        sys.stderr.write(f"{error}\n")
        return 1
    except USER_ERRORS as error:
        sys.stderr.write(f"{logs.printable(logs.redact(str(error)))}\n")
        return 1


def _serve(options: argparse.Namespace) -> None:
    lifecycle = str(options.web_enable_lifecycle).lower() in {"1", "true", "yes"}
    web = app.Web(
        parse_address(options.web_listen_address),
        parse_path(options.web_telemetry_path),
        lifecycle,
        None if options.web_config_file is None else _named(options.web_config_file),
    )
    file = _existing(options.config_file)
    asyncio.run(app.run(lambda: load(file), web))


def _existing(file: Path) -> Path:
    """The configuration file, of which there is none when somebody tries the exporter for the first time."""
    if not file.exists():
        remedy = "write it after examples/config.yml and docs/configuration.md, or try resource-exporter demo, which needs none"
        raise ConfigError(str(file), [Problem(None, (), f"there is no such file; {remedy}")])
    return file


def _named(file: str) -> Path:
    """No name is what a template leaves whose variable is not set, and no wish to be unprotected."""
    if not file:
        remedy = f"name a file, or take the flag and {PREFIX}WEB_CONFIG_FILE away to be open to everybody"
        raise ConfigError("--web.config.file", [Problem(None, (), f"is empty; {remedy}")])
    return Path(file)


def _check(options: argparse.Namespace) -> int:
    return asyncio.run(check.run(load(_existing(options.config_file)), sys.stdout))


def _backfill(options: argparse.Namespace) -> None:
    config = load(_existing(options.config_file))
    calendar = Calendar(config.timezone)
    span = parse_span(calendar, options.span_from, options.span_to, options.step, app.now())
    asyncio.run(backfill.run(config, span, Target(options.job, options.instance), options.output))
    sys.stdout.write(f"{IMPORT.format(file=options.output)}\n")


def _demo(options: argparse.Namespace) -> None:
    from exporter.demo.run import run  # noqa: PLC0415 - an extra, which the other commands do without

    run(app.Web(parse_address(options.web_listen_address), parse_path(options.web_telemetry_path)), options.seed)


def _parser() -> Parser:
    parser = Parser(prog="resource-exporter", description=DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--version", action="version", version=f"resource-exporter {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    serve = _command(commands, "serve", _serve, "read the ledgers and serve /metrics until stopped")
    _config_flag(serve)
    _web_flags(serve)
    serve.flag("--web.config.file", help="TLS, users and headers, in the format of exporter-toolkit; see docs/web.md")
    serve.flag("--web.enable-lifecycle", default="false", help="allow POST /-/reload", nargs="?", const="true", metavar="true")
    about = "try one refresh of every ledger, and say what keeps serve from its work and how to fix it"
    _config_flag(_command(commands, "check", _check, about, level="error"))
    filled = _command(commands, "backfill", _backfill, "write the past of the gauges, for a fresh Prometheus to import")
    _config_flag(filled)
    filled.flag("--from", dest="span_from", required=True, help="the first day, such as 2026-01-31")
    filled.flag("--to", dest="span_to", help="the last day; today when it is left out")
    filled.flag("--step", default="1h", help=f"the distance of the samples, one of {', '.join(STEPS)}")
    filled.flag("--job", default="resource-exporter", help="the job that Prometheus scrapes the exporter under")
    filled.flag("--instance", default="localhost:9877", help="the instance that Prometheus scrapes, as its targets name it")
    filled.flag("--output", type=Path, default=Path("history.om"), help="the OpenMetrics file to write")
    demo = _command(commands, "demo", _demo, "a private PostgreSQL with a simulated fleet, and serve over it")
    _web_flags(demo)
    demo.flag("--seed", type=int, default=20, help="which fleet to simulate: the same seed gives the same history")
    return parser


def _command(
    commands: "argparse._SubParsersAction[Parser]",
    name: str,
    function: Callable[[argparse.Namespace], int | None],
    text: str,
    level: logs.Level = "info",
) -> Parser:
    parser = commands.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".")
    parser.set_defaults(command=function)
    parser.flag("--log.level", type=one_of(*logs.LEVELS), default=level, help="debug, info, warn or error")
    parser.flag("--log.format", type=one_of("logfmt", "json"), default="logfmt", help="logfmt or json, to standard error")
    return parser


def _config_flag(parser: Parser) -> None:
    parser.flag("--config.file", type=Path, default=Path("config.yml"), help="the configuration, see docs/configuration.md")


def _web_flags(parser: Parser) -> None:
    parser.flag("--web.listen-address", default=":9877", help="where to listen: host:port, :port or [ipv6]:port")
    parser.flag("--web.telemetry-path", default="/metrics", help="where the metrics are")
