import asyncio
import io
import json
import logging
from collections.abc import Iterator
from datetime import date, datetime, timedelta

import pytest
import structlog

from exporter.logs import HIDDEN, LIBRARIES, Layout, Level, Pace, configure, redact

SECRET = "hunter2"


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    yield
    root.handlers = handlers
    root.setLevel(level)
    for name in LIBRARIES:
        logging.getLogger(name).setLevel(logging.NOTSET)
    structlog.reset_defaults()


def logged(layout: Layout = "logfmt", level: Level = "info") -> tuple[structlog.stdlib.BoundLogger, io.StringIO]:
    stream = io.StringIO()
    configure(level, layout, stream)
    log: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger("exporter.test")
    return log, stream


def test_logfmt_is_one_line_with_time_level_and_message_first() -> None:
    log, stream = logged()
    log.info("ledger read", ledger="costs", rows=12, whole=True)
    time, rest = stream.getvalue().split(" ", 1)
    assert rest == 'level=info msg="ledger read" ledger=costs rows=12 whole=true logger=exporter.test\n'
    assert time.startswith("time=")
    assert datetime.fromisoformat(time.removeprefix("time=")).utcoffset() == timedelta(0)


def test_json_is_one_object_per_line() -> None:
    log, stream = logged("json")
    log.info("ledger read", ledger="costs", rows=12, day=date(2026, 11, 20), parts=("a", 1), none=None)
    entry = json.loads(stream.getvalue())
    assert datetime.fromisoformat(entry.pop("time")).utcoffset() == timedelta(0)
    assert entry == {
        "level": "info",
        "logger": "exporter.test",
        "msg": "ledger read",
        "ledger": "costs",
        "rows": 12,
        "day": "2026-11-20",
        "parts": ["a", 1],
        "none": None,
    }


@pytest.mark.parametrize(
    "level,heard",
    [
        ("debug", ["debug", "info", "warning", "error"]),
        ("info", ["info", "warning", "error"]),
        ("warn", ["warning", "error"]),
        ("error", ["error"]),
    ],
)
def test_events_below_the_level_are_dropped(level: Level, heard: list[str]) -> None:
    log, stream = logged("json", level)
    for method in (log.debug, log.info, log.warning, log.error):
        method("heard")
    assert [json.loads(line)["level"] for line in stream.getvalue().splitlines()] == heard


def test_libraries_log_in_the_same_format() -> None:
    _, stream = logged()
    logging.getLogger("psycopg").warning("error connecting in %r: %s", "pool-1", f"password={SECRET}")
    assert f"level=warning msg=\"error connecting in 'pool-1': password={HIDDEN}\" logger=psycopg\n" in stream.getvalue()


@pytest.mark.parametrize("level", ["debug", "info"])
@pytest.mark.parametrize(
    "name, heard",
    [
        ("apscheduler.executors.default", "error"),
        ("apscheduler.scheduler", "error"),
        ("aiohttp.access", "warning"),
        ("asyncio", "warning"),
        ("psycopg", "warning"),
        ("psycopg.pool", "critical"),
    ],
)
def test_libraries_log_only_when_something_is_wrong(level: Level, name: str, heard: str) -> None:
    _, stream = logged("json", level)
    levels = ("debug", "info", "warning", "error", "critical")
    for each in levels:
        getattr(logging.getLogger(name), each)("Job executed successfully")
    assert [json.loads(line)["level"] for line in stream.getvalue().splitlines()] == list(levels[levels.index(heard) :])


def test_progress_lines_are_limited_to_one_per_interval() -> None:
    seconds = iter([0.0, 100.0, 100.1, 104.9, 105.0, 105.1, 200.0, 201.0, 205.9, 206.0])
    pace = Pace(5, lambda: next(seconds))
    pace.begin()
    assert [pace.due() for _ in range(5)] == [False, False, True, False, True]
    pace.begin()
    assert [pace.due() for _ in range(2)] == [False, True]


def test_line_ends_and_control_characters_are_escaped() -> None:
    log, stream = logged()
    log.info("task", name="a\nlevel=error\r\x1b[31m")
    assert stream.getvalue().count("\n") == 1
    assert "\\nlevel=error\\x0d\\x1b[31m" in stream.getvalue().replace("\\\\", "\\")
    assert not set(stream.getvalue()) & {"\r", "\x1b"}


@pytest.mark.parametrize("layout", ["logfmt", "json"])
def test_no_value_holds_a_secret(layout: Layout) -> None:
    log, stream = logged(layout)
    dsn = f"postgresql://app:{SECRET}@db.example:5432/ledger"
    event = f"connecting to {dsn}"
    log.info(event, password=SECRET, pool={"dsn": dsn, "db_passwd": SECRET}, tried=[dsn, {"a": (dsn,)}])
    log.warning("cannot connect", error=ConnectionError(f"host=db password='{SECRET} and more' refused"), raw=dsn.encode())
    assert SECRET not in stream.getvalue()
    assert "db.example:5432/ledger" in stream.getvalue()


def refresh() -> None:
    cause = ConnectionError(f"postgres://app:{SECRET}@db/ledger")
    raise RuntimeError(f"PGPASSWORD={SECRET}") from cause


@pytest.mark.parametrize("layout", ["logfmt", "json"])
def test_no_exception_holds_a_secret(layout: Layout) -> None:
    log, stream = logged(layout)
    try:
        refresh()
    except RuntimeError:
        log.exception("refresh failed")
        logging.getLogger("asyncio").exception("task failed")
    assert SECRET not in stream.getvalue()
    assert stream.getvalue().count("ConnectionError: postgres://app:") == 2


@pytest.mark.parametrize(
    "text,safe",
    [
        ("postgresql://app:hunter2@db:5432/x", f"postgresql://app:{HIDDEN}@db:5432/x"),
        ("postgresql://:hunter2@db/x", f"postgresql://:{HIDDEN}@db/x"),
        ("postgresql://app:hun@ter2/hunter2@db/x", f"postgresql://app:{HIDDEN}@db/x"),
        ("postgresql://app:my hunter2@db/x", f"postgresql://app:{HIDDEN}@db/x"),
        ("postgresql://app@corp:hunter2@db/x", f"postgresql://app@corp:{HIDDEN}@db/x"),
        ("postgresql://app:12345@db/x", f"postgresql://app:{HIDDEN}@db/x"),
        ("postgresql://db/x?user=a&password=hunter2", f"postgresql://db/x?user=a&password={HIDDEN}"),
        ("host=db password=hunter2 user=app", f"host=db password={HIDDEN} user=app"),
        ("host=db password = hunter2 user=app", f"host=db password = {HIDDEN} user=app"),
        ("password='hunter2 \\' hunter2' user=app", f"password={HIDDEN} user=app"),
        ("password='hunter2 never closed", f"password={HIDDEN}"),
        ("password=my\\ hunter2 user=app", f"password={HIDDEN} user=app"),
        ("PASSWORD=hunter2", f"PASSWORD={HIDDEN}"),
        ("sslpassword=hunter2 x", f"sslpassword={HIDDEN} x"),
        ("{'password': 'hunter2', 'user': 'app'}", f"{{'password': {HIDDEN}, 'user': 'app'}}"),
        ('{"passwd": "hunter\\"2", "user": 1}', f'{{"passwd": {HIDDEN}, "user": 1}}'),
        ("password: hunter2\nuser: app", f"password: {HIDDEN}\nuser: app"),
        ('missing "=" after "hunter2" in connection info string', f'missing "=" after "{HIDDEN}" in connection info string'),
        ('invalid percent-encoded token: "hun%ter2"', f'invalid percent-encoded token: "{HIDDEN}"'),
    ],
)
def test_secrets_are_redacted(text: str, safe: str) -> None:
    assert redact(text) == safe


@pytest.mark.parametrize(
    "text",
    [
        'password authentication failed for user "app"',
        "fe_sendauth: no password supplied",
        "http://127.0.0.1:9877/metrics",
        "postgresql://app@db:5432/ledger",
        "postgresql://db:5432/ledger is down, ask ops@example.org",
        "dsn_file: /run/secrets/scidex-dsn",
        "12 tokens",
    ],
)
def test_text_without_a_secret_is_unchanged(text: str) -> None:
    assert redact(text) == text


def test_a_job_that_is_cancelled_at_the_end_is_no_error() -> None:
    _, stream = logged()
    jobs = logging.getLogger("apscheduler.executors.default")
    jobs.error("Error running job", exc_info=asyncio.CancelledError())
    assert stream.getvalue() == ""
    jobs.error("Error running job", exc_info=ValueError("wrong"))
    assert "wrong" in stream.getvalue()
