"""Flags as Prometheus' own tools name theirs. Each can be set in the environment too, and an error in them is one line."""

import argparse
import os
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from exporter.config.errors import nearest, quoted

PREFIX = "RESOURCE_EXPORTER_"
EPILOG = "Every flag is also read from the environment: --config.file from RESOURCE_EXPORTER_CONFIG_FILE, and so on."


class Parser(argparse.ArgumentParser):
    """A parser that says in one line what is wrong, and what was most likely meant."""

    def __init__(self, **options: Any) -> None:
        super().__init__(epilog=EPILOG, **options)
        self.set_defaults(parser=self)
        self._flags: list[str] = []

    def error(self, message: str) -> NoReturn:
        """End with the exit code 2 and one line."""
        self.exit(2, f"{self.prog}: {message}; {self.prog} --help lists all flags\n")

    def flag(
        self,
        name: str,
        *,
        help: str,  # noqa: A002 - as argparse calls it
        default: object = None,
        required: bool = False,
        **options: Any,
    ) -> None:
        """Add a flag whose default the environment may change."""
        plain = name.lstrip("-").replace(".", "_").replace("-", "_")
        variable = PREFIX + plain.upper()
        given = os.environ.get(variable, default)
        shown = f"{help} ({'' if default is None else f'default: {default}; '}environment: {variable})"
        options = {"dest": plain, "metavar": "VALUE", **options}
        self.add_argument(name, default=given, required=required and given is None, help=shown, **options)
        self._flags.append(name)

    def refuse(self, argument: str) -> NoReturn:
        """End because of an argument that the command does not know; its value may be a secret."""
        if not argument.startswith("-"):
            self.error(f"unexpected {quoted(argument)}: a file or an address needs its flag, such as --config.file=config.yml")
        name = argument.partition("=")[0]
        match = nearest(name, self._flags)
        self.error(f"unknown flag {quoted(name)[1:-1]}" + (f"; did you mean {match}?" if match else ""))


def one_of(*values: str) -> Callable[[str], str]:
    """A type rather than choices: argparse does not compare a default, which may come from the environment, with choices."""

    def chosen(text: str) -> str:
        if text not in values:
            raise argparse.ArgumentTypeError(f"{text!r} must be one of {', '.join(values)}")
        return text

    return chosen


def parse(parser: Parser, commands: Sequence[str], arguments: Sequence[str]) -> argparse.Namespace:
    """The options of a command; ends with the exit code 2 and one line where the arguments are wrong."""
    given = arguments[0] if arguments else ""
    if given not in (*commands, "-h", "--help", "--version"):
        if not given or given.startswith("-"):
            parser.error(f"name a command first, one of {', '.join(commands)}")
        match = nearest(given, commands)
        parser.error(
            f"unknown command {quoted(given)}; " + (f"did you mean {match}?" if match else f"use {', '.join(commands)}")
        )
    options, unknown = parser.parse_known_args(arguments)
    if unknown:
        options.parser.refuse(unknown[0])
    return options
