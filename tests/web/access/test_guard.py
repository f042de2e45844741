import shutil
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from exporter.config import ConfigError
from exporter.web.access import Guard
from tests.certificates import renew

HASH = "$2b$05$fJSP5gSKzlOzbkh4rD3G9.uEpaPMZGdWGFIVyG2xVGrNTs0vDYXSa"
USERS = "basic_auth_users: {%s: " + HASH + "}\n"
TLS = "tls_server_config:\n  cert_file: server.crt\n  key_file: server.key\n"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A web configuration with one user."""
    path = tmp_path / "web.yml"
    path.write_text(USERS % "alice")
    return path


def users(guard: Guard) -> list[str]:
    return list(guard.access.users)


def test_without_a_file_everybody_is_let_in() -> None:
    guard = Guard()
    guard.follow()
    guard.reload()
    assert (guard.access.tls, users(guard)) == (None, [])


def test_at_the_start_a_wrong_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError):
        Guard(tmp_path / "missing.yml")


def test_what_did_not_change_is_not_read(path: Path) -> None:
    guard = Guard(path)
    access = guard.access
    with capture_logs() as logs:
        guard.follow()
    assert guard.access is access
    assert logs == []


def test_a_change_counts_from_then_on(path: Path) -> None:
    guard = Guard(path)
    path.write_text(USERS % "bob")
    with capture_logs() as logs:
        guard.follow()
        guard.follow()
    assert users(guard) == ["bob"]
    assert [entry["event"] for entry in logs] == ["web configuration reloaded"]


@pytest.mark.parametrize("text", ["basic_auth_users: {bob: hunter2}\n", "", "basic_auth_users: {b"])
def test_a_wrong_change_keeps_what_was_there_and_says_why_once(path: Path, text: str) -> None:
    guard = Guard(path)
    path.write_text(text)
    with capture_logs() as logs:
        for _ in range(3):
            guard.follow()
    assert users(guard) == ["alice"]
    assert [entry["event"] for entry in logs] == ["web configuration not reloaded, the previous one stays in use"]
    assert logs[0]["error"].startswith(f"{path}")
    assert "hunter2" not in str(logs)


def test_a_file_that_is_gone_keeps_what_was_there_until_it_is_back(path: Path) -> None:
    guard = Guard(path)
    path.rename(path.with_suffix(".old"))
    with capture_logs() as logs:
        guard.follow()
        path.write_text(USERS % "bob")
        guard.follow()
    assert users(guard) == ["bob"]
    assert [entry["log_level"] for entry in logs] == ["error", "info"]


def test_another_mistake_is_said_too_and_mending_it_as_well(path: Path) -> None:
    guard = Guard(path)
    with capture_logs() as logs:
        for text in ("nonsense: 1\n", "nonsense: 2\n", "rubbish: 1\n", USERS % "bob", "nonsense: 1\n"):
            path.write_text(text)
            guard.follow()
    assert [entry["log_level"] for entry in logs] == ["error", "error", "info", "error"]
    assert users(guard) == ["bob"]


def test_a_reload_on_demand_says_what_is_wrong_and_the_log_does_not_repeat_it(path: Path) -> None:
    guard = Guard(path)
    path.write_text("nonsense: 1\n")
    with pytest.raises(ConfigError, match=r"web\.yml:1: nonsense: unknown key"), capture_logs() as logs:
        guard.reload()
    with capture_logs() as logs:
        guard.follow()
    assert logs == []
    assert users(guard) == ["alice"]


@pytest.mark.prometheus("openssl")
def test_a_missing_certificate_is_noticed_when_it_comes(certificates: Path, path: Path) -> None:
    guard = Guard(path)
    (certificates / "server.crt").rename(certificates / "later.crt")
    path.write_text(TLS)
    with capture_logs() as logs:
        guard.follow()
        (certificates / "later.crt").rename(certificates / "server.crt")
        guard.follow()
    assert guard.access.tls is not None
    assert [entry["log_level"] for entry in logs] == ["error", "info"]
    assert "web.yml:2: tls_server_config.cert_file: " in logs[0]["error"]


@pytest.mark.prometheus("openssl")
def test_a_certificate_that_is_renewed_before_its_key_waits_for_it(certificates: Path, path: Path) -> None:
    path.write_text(TLS)
    guard = Guard(path)
    before = guard.access.tls
    shutil.copy(certificates / "renewed-server.crt", certificates / "server.crt")
    with capture_logs() as logs:
        guard.follow()
        assert guard.access.tls is before
        renew(certificates, "server", certificates / "renewed-server")
        guard.follow()
    assert guard.access.tls is not before
    assert [entry["log_level"] for entry in logs] == ["error", "info"]


@pytest.mark.prometheus("openssl")
def test_a_directory_that_is_swapped_as_a_whole_is_noticed(certificates: Path, path: Path) -> None:
    """As an orchestrator mounts secrets: a link to a directory, which is replaced at once."""
    old, new = certificates / "old", certificates / "new"
    for directory, source in ((old, "server"), (new, "renewed-server")):
        directory.mkdir()
        renew(directory, "server", certificates / source)
    current = certificates / "current"
    current.symlink_to(old)
    path.write_text(TLS.replace(": server", ": current/server"))
    guard = Guard(path)
    before = guard.access.tls
    (certificates / "next").symlink_to(new)
    (certificates / "next").replace(current)
    guard.follow()
    assert guard.access.tls is not before
