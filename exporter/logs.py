"""Structured logs on one stream: the events of the exporter and of its libraries, with secrets redacted."""

import asyncio
import logging
import re
import time
from collections.abc import Callable, Mapping
from typing import Final, Literal, TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

Level = Literal["debug", "info", "warn", "error"]
Layout = Literal["logfmt", "json"]

LEVELS: Final = {"debug": logging.DEBUG, "info": logging.INFO, "warn": logging.WARNING, "error": logging.ERROR}
# Lines of libraries about each job, connection and request are dropped at every level: the exporter logs each refresh itself.
# It also logs a failed connection itself, once, with the ledgers concerned. APScheduler warns of each refresh that takes longer
# than its interval, as a first build does; that is normal.
LIBRARIES: Final = {
    "aiohttp": logging.WARNING,
    "apscheduler": logging.ERROR,
    "asyncio": logging.WARNING,
    "psycopg": logging.WARNING,
    "psycopg.pool": logging.CRITICAL,
    "tzlocal": logging.WARNING,
}
"""The lowest level that is logged for each library."""
HIDDEN: Final = "xxxxx"

_VALUE = r"""(?:"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|["'][^\n]*|(?:\\.|\S)+)"""
_SECRETS: Final = (
    # scheme://user:secret@host; a secret that should have been percent-encoded may hold an @, a slash or a space.
    (re.compile(r"(://[^\s/:]*:)(?:\S*@|(?!\d+\b)[^\n]*@)"), rf"\g<1>{HIDDEN}@"),
    # password=secret in a connection string, PGPASSWORD=secret, 'password': 'secret' in a printed value.
    (re.compile(rf"""((?:passw(?:or)?d|pwd|secret)["'\\]*\s*[=:]\s*){_VALUE}""", re.IGNORECASE), rf"\g<1>{HIDDEN}"),
    # What libpq quotes when it cannot parse a connection string may be the very secret that was not escaped.
    (
        re.compile(r'((?:missing "=" after|percent-encoded (?:token|value):|unexpected spaces found in) )"[^\n]*"'),
        rf'\g<1>"{HIDDEN}"',
    ),
)
_SECRET_KEY: Final = re.compile(r"passw(or)?d|pwd|secret", re.IGNORECASE)
# Text from a ledger may hold control characters, which a terminal would act on. The renderers escape line ends.
_CONTROL: Final = {code: f"\\x{code:02x}" for code in (*range(0x20), *range(0x7F, 0xA0)) if code != ord("\n")}


def configure(level: Level, layout: Layout, stream: TextIO) -> None:
    """Write every event of structlog and of the standard library to ``stream``: one line each, times in UTC."""
    shared: list[Processor] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
        structlog.processors.format_exc_info,
        structlog.processors.EventRenamer("msg"),
    ]
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
    )
    _route(LEVELS[level], shared, layout, stream)


def configure_library() -> None:
    """Write events to the standard library's logging, where a program sees warnings and errors, with secrets redacted.

    A program that has configured structlog itself gets them there.
    """
    if not structlog.is_configured():
        structlog.configure(
            processors=[
                structlog.stdlib.filter_by_level,
                structlog.processors.format_exc_info,
                _redacted,
                structlog.processors.LogfmtRenderer(key_order=["event"], bool_as_flag=False),
            ],
            wrapper_class=structlog.stdlib.BoundLogger,
            logger_factory=structlog.stdlib.LoggerFactory(),
        )


class Pace:
    """Limits progress lines to one every ``seconds``. ``clock`` returns monotonic seconds."""

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._clock = clock
        self.begin()

    def begin(self) -> None:
        """Start the interval now: the first line is due after ``seconds``."""
        self._last = self._clock()

    def due(self) -> bool:
        """Return whether a line is due now. If so, the next interval starts."""
        now = self._clock()
        if now - self._last < self._seconds:
            return False
        self._last = now
        return True


def redact(text: str) -> str:
    """Return the text with the passwords of its connection strings and URLs replaced.

    In doubt, text is replaced: losing a harmless word is better than printing a secret.
    """
    for pattern, replacement in _SECRETS:
        text = pattern.sub(replacement, text)
    return text


def printable(text: str) -> str:
    """Return the text on one line, with its control characters escaped."""
    return text.translate(_CONTROL).replace("\n", r"\n")


def _route(level: int, shared: list[Processor], layout: Layout, stream: TextIO) -> None:
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, _redacted, _renderer(layout)],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    for name, least in LIBRARIES.items():
        logging.getLogger(name).setLevel(max(level, least))
    logging.getLogger("apscheduler.executors.default").addFilter(_unless_cancelled)


def _unless_cancelled(record: logging.LogRecord) -> bool:
    """A job that is cancelled while the exporter stops is no error."""
    return not (record.exc_info and isinstance(record.exc_info[1], asyncio.CancelledError))


def _renderer(layout: Layout) -> Processor:
    if layout == "json":
        return structlog.processors.JSONRenderer(ensure_ascii=False)
    return structlog.processors.LogfmtRenderer(key_order=["time", "level", "msg"], bool_as_flag=False)


def _redacted(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    return {key: _clean(key, value) for key, value in event.items()}


def _clean(key: str, value: object) -> object:
    if value is None or isinstance(value, bool):
        return value
    if _SECRET_KEY.search(key):
        return HIDDEN
    if isinstance(value, int | float):
        return value
    if isinstance(value, Mapping):
        return {str(inner): _clean(str(inner), item) for inner, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_clean(key, item) for item in value]
    return redact(str(value)).translate(_CONTROL)
