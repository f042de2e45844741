"""Secrets are placed wherever an operator or a client can put one, every error is provoked, and no secret appears anywhere."""

import signal
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path

import pytest
from psycopg.conninfo import make_conninfo

from tests.end_to_end.process import Exporter, Reply, running

# Each part is one that a careless parser could leave. No other text in a log or response contains the word.
INLINE = "hazel1@hazel2 hazel3"
VARIABLE = "hazel4'hazel5%41hazel6"
FILE = "hazel7:hazel8/hazel9"
CLIENT = "hazel10 hazel11"
WORD = "hazel"
HASH = "$2b$04$ATaZeBhn0EkHi2zK8sbIc.pnjjJaxs9FOsXwf5FwdaGu73lTUZtyW"
RIGHT = "hunter2"

CONFIG = """\
databases:
  inline: {{dsn: "host=127.0.0.1 port=1 user=reader dbname=x password='{inline}'"}}
  variable: {{dsn_env: LEDGERS_DSN}}
  file: {{dsn_file: dsn}}
ledgers:
  costs: {{database: variable}}
  impacts: {{database: inline}}
  allocations: {{database: file}}
state: {{path: {state}/rollups.duckdb}}
refresh: {{interval: 300ms}}
"""
WRONG_CONFIGS = [
    "databases: {inline: {dsn: 'postgresql://reader:hazel1@hazel2 hazel3@host/x'}}\n",
    "databases: {inline: {dsn: postgresql://reader:hazel1@hazel2, hazel3@host/x}}\n",
    "databases: {inline: {dsn_env: 'password=hazel1'}}\n",
    "databases: {inline: {dsn_file: 'password=hazel1'}}\n",
    "databases: hazel1\n",
    "databases: [hazel1\n",
]
WRONG_WEB = [
    "basic_auth_users: {alice: hazel1}\n",
    "basic_auth_users: {alice:hazel1}\n",
    "basic_auth_users: [alice, hazel1]\n",
    "basic_auth_users: alice:hazel1\n",
    "tls_server_config: {cert: hazel1, key: hazel2, client_ca: hazel3}\n",
    "basic_auth_users: {alice: !hazel1 hazel2}\n",
    "basic_auth_users: {alice: 'hazel1\n",
]


def basic(user: str, password: str) -> str:
    return "Basic " + b64encode(f"{user}:{password}".encode()).decode()


@pytest.fixture
def exporter(tmp_path: Path, known_ledger: str) -> Iterator[Exporter]:
    """An exporter with debug logs that reads one ledger and fails to read two."""
    (tmp_path / "state").mkdir()
    (tmp_path / "config.yml").write_text(CONFIG.format(inline=INLINE, state=tmp_path / "state"))
    (tmp_path / "dsn").write_text(make_conninfo(known_ledger, user="nobody_of_that_name", password=FILE))
    (tmp_path / "web.yml").write_text(f"basic_auth_users: {{prometheus: {HASH}}}\n")
    flags = [f"--config.file={tmp_path / 'config.yml'}", f"--web.config.file={tmp_path / 'web.yml'}", "--log.level=debug"]
    dsn = make_conninfo(known_ledger, password=VARIABLE)
    with running(tmp_path, "serve", *flags, "--web.enable-lifecycle", LEDGERS_DSN=dsn) as exporter:
        exporter.authorization = basic("prometheus", RIGHT)
        exporter.wait()
        exporter.until(lambda: 'resource_exporter_ledger_up{ledger="costs"} 1.0' in exporter.page())
        exporter.until(lambda: exporter.log.read_text().count("cannot be read") >= 2)
        yield exporter


def knock(exporter: Exporter) -> list[Reply]:
    """Send wrong passwords and malformed requests."""
    headers = [basic("prometheus", CLIENT), basic(CLIENT, RIGHT), f"Basic {CLIENT}", f"Bearer {CLIENT}", CLIENT * 1000]
    right, exporter.authorization = exporter.authorization, None
    replies = [exporter.get("/metrics", Authorization=header) for header in headers]
    replies += [exporter.get(f"/{CLIENT.replace(' ', '%20')}"), exporter.get("/", WORD)]
    exporter.authorization = right
    return replies


def reload(exporter: Exporter, path: Path, texts: list[str]) -> list[Reply]:
    """Reload wrong files, in both ways, and restore the right one."""
    right, replies = path.read_text(), []
    for text in texts:
        path.write_text(text)
        replies.append(exporter.get("/-/reload", "POST"))
        assert replies[-1].status == 500, text
        exporter.process.send_signal(signal.SIGHUP)
    path.write_text(right)
    replies.append(exporter.get("/-/reload", "POST"))
    return replies


@pytest.mark.slow
def test_no_secret_appears_in_any_output(exporter: Exporter, tmp_path: Path) -> None:
    replies = [*knock(exporter)]
    replies += reload(exporter, tmp_path / "config.yml", WRONG_CONFIGS)
    replies += reload(exporter, tmp_path / "web.yml", WRONG_WEB)
    (tmp_path / "dsn").write_text(f"postgresql://reader:{FILE}@{INLINE}")
    exporter.until(lambda: "is not a connection string" in exporter.log.read_text())
    replies += [exporter.get(path) for path in ("/metrics", "/", "/-/healthy", "/-/ready")]
    process = Path(f"/proc/{exporter.process.pid}/cmdline").read_bytes()
    assert exporter.stop() == 0
    files = [path for path in (tmp_path / "state").rglob("*") if path.is_file()]
    assert [path.name for path in files] == ["rollups.duckdb"]
    shown = [path.read_bytes() for path in (*files, tmp_path / "exporter.log", tmp_path / "exporter.out")]
    shown += [process, *(reply.body + str(reply.headers).encode() for reply in replies)]
    encoded = [
        CLIENT,
        RIGHT,
        HASH,
        *(basic(*pair).removeprefix("Basic ") for pair in (("prometheus", CLIENT), ("prometheus", RIGHT))),
    ]
    for secret in (WORD, *encoded):
        assert [text for text in shown if secret.encode() in text] == [], secret
