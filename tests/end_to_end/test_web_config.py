"""``--web.config.file`` of the real process: access, and changes of the file."""

import asyncio
import shutil
import signal
import ssl
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from urllib.error import URLError

import pytest

from tests.certificates import renew
from tests.end_to_end.process import LEDGERS, Exporter, running
from tests.waiting import until_async

pytestmark = pytest.mark.prometheus("openssl")

# The hash of "hunter2", with the lowest cost.
HASH = "$2b$04$ATaZeBhn0EkHi2zK8sbIc.pnjjJaxs9FOsXwf5FwdaGu73lTUZtyW"
WEB = f"""\
tls_server_config:
  cert_file: server.crt
  key_file: server.key
basic_auth_users:
  prometheus: {HASH}
"""


@contextmanager
def protected(directory: Path, *flags: str) -> Iterator[Exporter]:
    """An exporter without a database, with TLS and a password, and a client with the certificate and the password."""
    (directory / "config.yml").write_text(LEDGERS.format(timezone="UTC"))
    (directory / "web.yml").write_text(WEB)
    environment = {"RESOURCE_EXPORTER_WEB_CONFIG_FILE": str(directory / "web.yml"), "LEDGERS_DSN": "host=/nowhere"}
    with running(directory, "serve", f"--config.file={directory / 'config.yml'}", *flags, **environment) as exporter:
        exporter.context = ssl.create_default_context(cafile=directory / "server.crt")
        exporter.authorization = "Basic " + b64encode(b"prometheus:hunter2").decode()
        yield exporter


def trusted(exporter: Exporter) -> bool:
    """Whether the client trusts the certificate."""
    try:
        return exporter.get("/-/healthy").status == 200
    except URLError as error:
        if isinstance(error.reason, ssl.SSLCertVerificationError):
            return False
        raise


def test_a_scrape_needs_tls_and_the_password(certificates: Path) -> None:
    with protected(certificates) as exporter:
        assert "resource_exporter_build_info" in exporter.page()
        exporter.authorization = None
        assert exporter.get("/metrics").status == 401
        exporter.context = None
        with pytest.raises(OSError, match=r"."):
            exporter.get("/metrics")


def test_a_renewed_certificate_needs_no_restart(certificates: Path) -> None:
    with protected(certificates) as exporter:
        assert trusted(exporter)
        renew(certificates, "server", certificates / "renewed-server")
        exporter.until(lambda: not trusted(exporter))
        exporter.context = ssl.create_default_context(cafile=certificates / "renewed-server.crt")
        assert trusted(exporter)


def test_a_wrong_change_has_no_effect_and_is_logged_once(certificates: Path) -> None:
    with protected(certificates) as exporter:
        shutil.copy(certificates / "stranger.key", certificates / "server.key")
        exporter.until(lambda: "web configuration not reloaded" in exporter.log.read_text())
        assert trusted(exporter)
        renew(certificates, "server", certificates / "renewed-server")
        exporter.until(lambda: "web configuration reloaded" in exporter.log.read_text())
        assert exporter.log.read_text().count("web configuration not reloaded") == 1
        assert "key_file: " in exporter.log.read_text()


@pytest.mark.parametrize("flags, environment", [(["--web.config.file="], {}), ([], {"RESOURCE_EXPORTER_WEB_CONFIG_FILE": ""})])
def test_an_empty_file_name_is_an_error(tmp_path: Path, flags: list[str], environment: dict[str, str]) -> None:
    with pytest.raises(AssertionError), running(tmp_path, "serve", *flags, **environment):
        pass
    assert (tmp_path / "exporter.log").read_text() == (
        "--web.config.file: is empty; fix: name a file, or remove the flag and RESOURCE_EXPORTER_WEB_CONFIG_FILE"
        " to serve without TLS and passwords\n"
    )


@pytest.mark.parametrize("over", ["http", "signal"])
def test_a_reload_uses_both_files_or_neither(certificates: Path, over: str) -> None:
    with protected(certificates, "--web.enable-lifecycle") as exporter:
        (certificates / "web.yml").write_text(WEB.replace("basic_auth_users:", "basic_auth_user:"))
        if over == "http":
            reply = exporter.get("/-/reload", "POST")
            assert reply.status == 500
            assert b"web.yml:4: basic_auth_user: unknown key; did you mean 'basic_auth_users'?" in reply.body
        else:
            exporter.process.send_signal(signal.SIGHUP)
        exporter.until(lambda: "resource_exporter_config_last_reload_successful 0.0" in exporter.page())
        (certificates / "web.yml").write_text(WEB)
        assert exporter.get("/-/reload", "POST").status == 200
        exporter.until(lambda: "resource_exporter_config_last_reload_successful 1.0" in exporter.page())
        assert exporter.get("/-/reload").status == 405


@pytest.mark.parametrize(
    "text, said",
    [
        (None, "web.yml: cannot be read: No such file or directory"),
        ("basic_auth_users: {alice: hunter2}\n", "web.yml:1: basic_auth_users: has a password that is not a bcrypt hash; "),
        ("tls_server_config: {cert_file: a, key_file: b}\n", "web.yml:1: tls_server_config.cert_file: "),
    ],
)
def test_a_wrong_file_stops_the_start_with_one_line(tmp_path: Path, text: str | None, said: str) -> None:
    (tmp_path / "config.yml").write_text(LEDGERS.format(timezone="UTC"))
    if text is not None:
        (tmp_path / "web.yml").write_text(text)
    flags = [f"--config.file={tmp_path / 'config.yml'}", f"--web.config.file={tmp_path / 'web.yml'}"]
    with pytest.raises(AssertionError), running(tmp_path, "serve", *flags, LEDGERS_DSN="host=/nowhere"):
        pass
    (line,) = (tmp_path / "exporter.log").read_text().splitlines()
    assert line.startswith(f"{tmp_path}/{said}")
    assert "hunter2" not in line


# Also the hash of "hunter2", with the cost that docs/web.md recommends.
DEAR = "$2b$10$MsAMkNU0nYh77ch3FcTs/.ny1ei0Mgbtw9C9spD8c0ejJOJvdbkV."


async def guess(port: int, source: str, tried: list[str]) -> None:
    """Try one wrong password after another, each over a new connection."""
    for number in count():
        reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(source, 0))
        try:
            token = b64encode(f"prometheus:guess {source} {number}".encode()).decode()
            writer.write(f"GET /metrics HTTP/1.0\r\nAuthorization: Basic {token}\r\n\r\n".encode())
            with suppress(ConnectionError):
                assert not (await reader.read()).startswith(b"HTTP/1.0 200")
            tried.append(source)
        finally:
            writer.transport.abort()


async def scrape_among_guesses(exporter: Exporter, sources: list[str]) -> int:
    """The status of a scrape, which must take at most ten seconds while all other clients try again."""
    tried: list[str] = []

    async def again() -> bool:
        return len(tried) > 1.5 * len(sources)

    guesses = [asyncio.create_task(guess(exporter.port, source, tried)) for source in sources]
    await until_async(again)
    try:
        return (await asyncio.to_thread(exporter.get, "/metrics")).status
    finally:
        for each in guesses:
            each.cancel()
        await asyncio.wait(guesses)


@pytest.mark.slow
@pytest.mark.parametrize("addresses", [400, 20])
def test_the_right_password_is_accepted_while_hundreds_guess(tmp_path: Path, addresses: int) -> None:
    (tmp_path / "web.yml").write_text(f"basic_auth_users: {{prometheus: {DEAR}}}")
    (tmp_path / "config.yml").write_text(LEDGERS.format(timezone="UTC"))
    flags = [f"--config.file={tmp_path / 'config.yml'}", f"--web.config.file={tmp_path / 'web.yml'}"]
    sources = [f"127.0.{1 + each % addresses // 200}.{1 + each % addresses % 200}" for each in range(400)]
    with running(tmp_path, "serve", *flags, LEDGERS_DSN="host=/nowhere") as exporter:
        exporter.authorization = "Basic " + b64encode(b"prometheus:hunter2").decode()
        assert asyncio.run(scrape_among_guesses(exporter, sources)) == 200
