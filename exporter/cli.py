"""The command line. Flags are named as in Prometheus' own tools, and each can also be set in the environment."""

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from exporter import __version__, logs
from exporter.backfill import STEPS, BackfillError, SpanError
from exporter.commands import run_backfill, run_check, run_demo, run_serve
from exporter.completion import SHELLS, script
from exporter.config import ConfigError
from exporter.demo.binaries import EmbeddedPostgresError
from exporter.flags import Parser, one_of, parse
from exporter.rollups import RollupFileError
from exporter.web.server import AddressError

USER_ERRORS = (AddressError, SpanError, BackfillError, EmbeddedPostgresError, RollupFileError, OSError)
DESCRIPTION = "Read the ledgers of AI agents (budgets, costs, impact) from PostgreSQL and serve them as Prometheus gauges."
EXAMPLES = {
    "": """\
resource-exporter demo                          try it with a simulated fleet, without a configuration
resource-exporter check --config.file=my.yml    check the configuration and the ledgers
resource-exporter serve --config.file=my.yml    run the exporter
resource-exporter serve --help                  list the flags of a command
""",
    "serve": """\
resource-exporter serve --config.file=my.yml
resource-exporter serve --config.file=my.yml --web.listen-address=127.0.0.1:9877 --web.config.file=web.yml
RESOURCE_EXPORTER_CONFIG_FILE=my.yml resource-exporter serve --log.format=json
kill -HUP PID                                   read the configuration again
""",
    "check": """\
echo '{databases: {main: {dsn_env: LEDGER_DSN}}, ledgers: {costs: {database: main}}}' > my.yml
                                                a configuration to start from
resource-exporter check --config.file=my.yml
resource-exporter check --config.file=my.yml && resource-exporter serve --config.file=my.yml
""",
    "backfill": """\
resource-exporter backfill --config.file=my.yml --from=2026-01-01
resource-exporter backfill --config.file=my.yml --from=2026-01-01 --to=2026-03-31 --step=5m --output=spring.om
promtool tsdb create-blocks-from --max-block-duration=24h openmetrics history.om DATA_DIRECTORY
""",
    "demo": """\
resource-exporter demo                          then open http://localhost:9877/; Ctrl-C removes everything
resource-exporter demo --profile=litellm --web.listen-address=127.0.0.1:9999
""",
    "completion": """\
source <(resource-exporter completion bash)
resource-exporter completion zsh > ~/.zfunc/_resource-exporter
resource-exporter completion fish > ~/.config/fish/completions/resource-exporter.fish
""",
}
COMMANDS = ("serve", "check", "backfill", "demo", "completion")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return the exit code.

    The code is 0, or 1 after an error that the user can fix: one line on standard error, or one per problem of the
    configuration. Wrong arguments exit with 2.
    """
    options = parse(_parser(), COMMANDS, sys.argv[1:] if arguments is None else arguments)
    try:
        logs.configure(options.log_level, options.log_format, sys.stderr)
        return options.command(options) or 0
    except ConfigError as error:  # not redacted: it holds no secret, and redacting would garble its example of a DSN
        sys.stderr.write(f"{error}\n")
        return 1
    except USER_ERRORS as error:
        sys.stderr.write(f"{logs.printable(logs.redact(str(error)))}\n")
        return 1


def _completion(options: argparse.Namespace) -> None:
    sys.stdout.write(script(_parser(), options.shell))


def _parser() -> Parser:
    parser = Parser(prog="resource-exporter", description=DESCRIPTION, examples=EXAMPLES[""])
    parser.add_argument("--version", action="version", version=f"resource-exporter {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    serve = _command(commands, "serve", run_serve, "read the ledgers and serve the metrics until stopped")
    _config_flag(serve)
    _web_flags(serve)
    web = "TLS, users and headers, in the format of exporter-toolkit; see docs/web.md"
    serve.flag("--web.config.file", help=web, file=True)
    serve.flag(
        "--web.enable-lifecycle",
        default="false",
        help="allow POST /-/reload",
        values=("true", "false"),
        nargs="?",
        const="true",
        metavar="true",
    )
    about = "try a refresh of every ledger and print what would stop serve from working, and how to fix it"
    _config_flag(_command(commands, "check", run_check, about, level="error"))
    about = "write the history of the gauges as a file that Prometheus can import"
    _backfill_flags(_command(commands, "backfill", run_backfill, about))
    demo = _command(commands, "demo", run_demo, "start a private PostgreSQL with a simulated fleet and serve its metrics")
    _web_flags(demo)
    about = "the tables that are simulated: scidex, or litellm for those of a LiteLLM proxy"
    demo.flag("--profile", values=("scidex", "litellm"), default="scidex", help=about)
    demo.flag("--seed", type=int, default=20, help="seed of the simulation: the same seed gives the same history")
    completion = _subparser(commands, "completion", _completion, "print a script that completes commands and flags in a shell")
    completion.set_defaults(log_level="error", log_format="logfmt")
    completion.add_argument("shell", metavar="SHELL", type=one_of(*SHELLS), choices=SHELLS, help=", ".join(SHELLS))
    return parser


def _command(
    commands: "argparse._SubParsersAction[Parser]",
    name: str,
    function: Callable[[argparse.Namespace], int | None],
    text: str,
    level: logs.Level = "info",
) -> Parser:
    parser = _subparser(commands, name, function, text)
    parser.flag("--log.level", values=tuple(logs.LEVELS), default=level, help="debug, info, warn or error")
    parser.flag("--log.format", values=("logfmt", "json"), default="logfmt", help="logfmt or json, to standard error")
    return parser


def _subparser(
    commands: "argparse._SubParsersAction[Parser]",
    name: str,
    function: Callable[[argparse.Namespace], int | None],
    text: str,
) -> Parser:
    parser = commands.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".", examples=EXAMPLES[name])
    parser.set_defaults(command=function)
    return parser


def _config_flag(parser: Parser) -> None:
    about = "the configuration; see docs/configuration.md"
    parser.flag("--config.file", type=Path, default=Path("config.yml"), help=about, file=True)


def _web_flags(parser: Parser) -> None:
    parser.flag("--web.listen-address", default=":9877", help="address to listen on: host:port, :port or [ipv6]:port")
    parser.flag("--web.telemetry-path", default="/metrics", help="path of the metrics")


def _backfill_flags(parser: Parser) -> None:
    _config_flag(parser)
    parser.flag("--from", dest="span_from", required=True, help="the first day, such as 2026-01-31")
    parser.flag("--to", dest="span_to", help="the last day; default: today")
    parser.flag("--step", default="1h", help=f"the time between samples, one of {', '.join(STEPS)}")
    parser.flag("--job", default="resource-exporter", help="the job label that Prometheus gives the exporter")
    parser.flag("--instance", default="localhost:9877", help="the instance label that Prometheus gives the exporter")
    parser.flag("--output", type=Path, default=Path("history.om"), help="the OpenMetrics file to write", file=True)
