"""Flags named as in Prometheus' own tools. Each can also be set in the environment, and an error is one line."""

import argparse
import os
import textwrap
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from exporter.config.errors import nearest, quoted

PREFIX = "RESOURCE_EXPORTER_"
EPILOG = "Every flag is also read from the environment: --config.file from RESOURCE_EXPORTER_CONFIG_FILE, and so on."


class Parser(argparse.ArgumentParser):
    """An argument parser whose errors are one line with the nearest valid command or flag.

    ``examples`` are lines at the end of the help, each a command and what it does.
    """

    def __init__(self, examples: str = "", **options: Any) -> None:
        epilog = f"examples:\n{textwrap.indent(examples, '  ')}\n{EPILOG}" if examples else EPILOG
        super().__init__(epilog=epilog, formatter_class=argparse.RawDescriptionHelpFormatter, **options)
        self.set_defaults(parser=self)
        self._flags: list[str] = []

    def error(self, message: str) -> NoReturn:
        """Print one line on standard error and exit with code 2."""
        self.exit(2, f"{self.prog}: {message}; {self.prog} --help lists all flags\n")

    def flag(  # noqa: PLR0913 - keywords, as in argparse
        self,
        name: str,
        *,
        help: str,  # noqa: A002 - as argparse calls it
        default: object = None,
        required: bool = False,
        values: Sequence[str] = (),
        file: bool = False,
        **options: Any,
    ) -> None:
        """Add a flag. Its environment variable, where set, replaces the default and satisfies ``required``.

        ``values`` are the only valid ones. ``file`` says that the value is a file, which a shell completes.
        """
        plain = name.lstrip("-").replace(".", "_").replace("-", "_")
        variable = PREFIX + plain.upper()
        given = os.environ.get(variable, default)
        shown = f"{help} ({'' if default is None else f'default: {default}; '}environment: {variable})"
        options = {"dest": plain, "metavar": "VALUE", **options}
        if values:
            options |= {"type": one_of(*values), "choices": values}
        action = self.add_argument(name, default=given, required=required and given is None, help=shown, **options)
        if file:
            action.complete = "file"  # type: ignore[attr-defined]  # read by shtab
        self._flags.append(name)

    def refuse(self, argument: str) -> NoReturn:
        """Exit because the command does not know this argument. Its value may be a secret and is not printed."""
        if not argument.startswith("-"):
            remedy = "pass a file or an address with its flag, such as --config.file=config.yml"
            self.error(f"unexpected argument {quoted(argument)}; fix: {remedy}")
        name = argument.partition("=")[0]
        match = nearest(name, self._flags)
        self.error(f"unknown flag {quoted(name)[1:-1]}" + (f"; did you mean {match}?" if match else ""))


def one_of(*values: str) -> Callable[[str], str]:
    """Return an argparse type that accepts only these values.

    Not ``choices`` alone: argparse does not check a default against them, and ours may come from the environment.
    """

    def chosen(text: str) -> str:
        if text not in values:
            raise argparse.ArgumentTypeError(f"{text!r} must be one of {', '.join(values)}")
        return text

    return chosen


def parse(parser: Parser, commands: Sequence[str], arguments: Sequence[str]) -> argparse.Namespace:
    """Return the options of a command. Wrong arguments exit with code 2 and one line on standard error."""
    given = arguments[0] if arguments else ""
    if given not in (*commands, "-h", "--help", "--version"):
        if not given or given.startswith("-"):
            parser.error(f"the first argument must be a command, one of {', '.join(commands)}")
        match = nearest(given, commands)
        hint = f"did you mean {match}?" if match else f"must be one of {', '.join(commands)}"
        parser.error(f"unknown command {quoted(given)}; {hint}")
    options, unknown = parser.parse_known_args(arguments)
    if unknown:
        options.parser.refuse(unknown[0])
    return options
