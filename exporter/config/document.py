"""YAML as plain data, with the line of each key.

This is a subset of YAML 1.1. Numbers are read exactly as written (no octal, no base 60, no binary rounding), words such as
``yes`` and dates are text. Anchors, aliases and tags are errors: a configuration does not need them, and aliases can expand
a small file without limit.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

import yaml

from exporter.config.errors import ConfigError, KeyPath, Problem

_NUMBERS: dict[str, Callable[[str], int | Decimal]] = {"tag:yaml.org,2002:int": int, "tag:yaml.org,2002:float": Decimal}
_NULL = "tag:yaml.org,2002:null"
_UNUSABLE = re.compile("[\0\ud800-\udfff]")
"""Characters that escapes can produce, and that neither PostgreSQL nor a file name accepts."""

LARGEST = 100_000
"""Bytes. Parsing YAML takes seconds per megabyte, and scrapes wait while a reload parses."""


@dataclass(slots=True)
class Document:
    """The content of a file. ``data`` nests dict, list, str, int, Decimal and None; ``lines`` count from 1."""

    data: dict[str, object] = field(default_factory=dict)
    lines: dict[KeyPath, int] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def line(self, path: KeyPath) -> int:
        """The line of a key, or of its nearest parent in the file."""
        while path not in self.lines:
            path = path[:-1]
        return self.lines[path]


def file_text(path: Path) -> str:
    """The text of a file.

    Raises:
        ConfigError: it cannot be read, is larger than ``LARGEST``, or is not UTF-8.
    """
    try:
        return _read(path)
    except OSError as error:
        problem = Problem(None, (), f"cannot be read: {error.strerror or type(error).__name__}")
    except UnicodeDecodeError as error:
        problem = Problem(error.object.count(b"\n", 0, error.start) + 1, (), "is not UTF-8 text; save the file as UTF-8")
    raise ConfigError(str(path), [problem])


def _read(path: Path) -> str:
    if path.is_fifo():
        raise ConfigError(str(path), [Problem(None, (), "is a pipe; give the path of a regular file")])
    with path.open("rb") as file:
        content = file.read(LARGEST + 1)
    if len(content) > LARGEST:
        raise ConfigError(str(path), [Problem(None, (), f"is larger than {LARGEST} bytes; check the path")])
    return content.decode()


def read(text: str, source: str, keys: str = "databases and ledgers") -> Document:
    """Parse one YAML document whose top level is a mapping. ``keys`` are examples of its keys, for messages.

    Raises:
        ConfigError: the text is not such a document. Duplicate keys are listed in ``Document.problems`` instead.
    """
    try:
        return _document(_Loader(text).get_single_node(), keys)
    except yaml.MarkedYAMLError as error:
        problem = _marked(error)
    except yaml.reader.ReaderError as error:
        problem = Problem(text.count("\n", 0, error.position) + 1, (), "contains a character that YAML forbids; remove it")
    except RecursionError:
        problem = Problem(None, (), "is nested too deeply to be a configuration")
    except _UnusableError as error:
        problem = Problem(error.line, (), str(error))
    raise ConfigError(source, [problem])


class _UnusableError(Exception):
    def __init__(self, line: int | None, message: str) -> None:
        super().__init__(message)
        self.line = line


class _Loader(yaml.SafeLoader):
    """Used to compose nodes only; it constructs no objects."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        event = self.peek_event()  # type: ignore[no-untyped-call]
        line = event.start_mark.line + 1
        if isinstance(event, yaml.AliasEvent) or event.anchor is not None:
            raise _UnusableError(line, "anchors and aliases (& and *) are not supported; write the value out, or quote it")
        if event.tag is not None:
            raise _UnusableError(line, "tags (!) are not supported; quote a text that begins with !")
        if isinstance(event, yaml.ScalarEvent) and _UNUSABLE.search(event.value):
            raise _UnusableError(line, "contains \\0 or half a character (\\ud800 to \\udfff); write the character itself")
        return super().compose_node(parent, index)


def _document(root: yaml.Node | None, keys: str) -> Document:
    if root is None:
        raise _UnusableError(None, f"is empty; give at least {keys}")
    if not isinstance(root, yaml.MappingNode):
        raise _UnusableError(_line(root), f"must be a mapping of keys, such as {keys}")
    document = Document(lines={(): _line(root)})
    document.data = _mapping(root, (), document)
    return document


def _mapping(node: yaml.MappingNode, path: KeyPath, document: Document) -> dict[str, object]:
    """Keys are text as written, so ``yes`` and ``1`` are names."""
    data: dict[str, object] = {}
    for key, value in node.value:
        if not isinstance(key, yaml.ScalarNode):
            raise _UnusableError(_line(key), "a key must be plain text; quote a key that begins with { or [")
        here = (*path, key.value)
        if key.value in data:
            message = f"this key is given twice, first on line {document.lines[here]}; keep one of them"
            document.problems.append(Problem(_line(key), here, message))
            continue
        document.lines[here] = _line(key)
        data[key.value] = _value(value, here, document)
    return data


def _value(node: yaml.Node, path: KeyPath, document: Document) -> object:
    match node:
        case yaml.MappingNode():
            return _mapping(node, path, document)
        case yaml.SequenceNode():
            document.lines.update({(*path, index): _line(item) for index, item in enumerate(node.value)})
            return [_value(item, (*path, index), document) for index, item in enumerate(node.value)]
        case _:
            return _scalar(node.tag, node.value)


def _scalar(tag: str, text: str) -> str | int | Decimal | None:
    if tag == _NULL:
        return None
    try:
        return _NUMBERS.get(tag, str)(text)
    except (ValueError, ArithmeticError):
        return text


def _marked(error: yaml.MarkedYAMLError) -> Problem:
    """The text of the file is not repeated: it may be part of a password that was not quoted."""
    line = None if error.problem_mark is None else error.problem_mark.line + 1
    what = ", ".join(filter(None, (error.context, error.problem))).partition(" '!")[0]
    return Problem(line, (), f"is not valid YAML: {what}; correct the syntax, or quote a text with special characters")


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1
