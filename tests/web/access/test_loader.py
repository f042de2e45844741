import ssl
from pathlib import Path

import pytest

from exporter.config import ConfigError
from exporter.web.access import Access, load
from tests.certificates import issue

pytestmark = pytest.mark.prometheus("openssl")

HASH = "$2b$05$fJSP5gSKzlOzbkh4rD3G9.uEpaPMZGdWGFIVyG2xVGrNTs0vDYXSa"


def loaded(directory: Path, text: str) -> Access:
    path = directory / "web.yml"
    path.write_text(text)
    return load(path)


def tls(directory: Path, keys: str = "") -> ssl.SSLContext:
    context = loaded(directory, f"tls_server_config: {{cert_file: server.crt, key_file: server.key{keys}}}").tls
    assert context is not None
    return context


def wrong(directory: Path, text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        loaded(directory, text)
    return str(caught.value).removeprefix(f"{directory}/").replace(f"{directory}/", "")


def test_nothing_is_required_and_nothing_is_protected_then(tmp_path: Path) -> None:
    access = loaded(tmp_path, "{}")
    assert (access.tls, access.headers, access.users, access.authenticates) == (None, {}, {}, False)


def test_users_and_headers(tmp_path: Path) -> None:
    access = loaded(
        tmp_path,
        f"""
basic_auth_users: {{alice: {HASH}, "b o'b": {HASH}}}
http_server_config:
  http2: false
  headers:
    X-Frame-Options: sameorigin
    Strict-Transport-Security: max-age=31536000; includeSubDomains
""",
    )
    assert access.users == {"alice": HASH.encode(), "b o'b": HASH.encode()}
    assert access.headers == {
        "X-Frame-Options": "sameorigin",
        "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
    }
    assert access.authenticates
    assert HASH not in repr(access)


@pytest.mark.parametrize("cost", ["04", "16"])
def test_a_cost_that_can_be_borne(tmp_path: Path, cost: str) -> None:
    hashed = HASH.replace("$05$", f"${cost}$")
    assert loaded(tmp_path, f"basic_auth_users: {{alice: {hashed}}}").users == {"alice": hashed.encode()}


def test_tls_without_more_is_what_is_safe(certificates: Path) -> None:
    context = tls(certificates)
    assert (context.minimum_version, context.maximum_version) == (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3)
    assert context.verify_mode is ssl.CERT_NONE
    assert context.options & ssl.OP_CIPHER_SERVER_PREFERENCE
    assert context.options & ssl.OP_NO_RENEGOTIATION
    assert not loaded(certificates, "tls_server_config: {cert_file: server.crt, key_file: server.key}").authenticates


def test_every_key_of_tls(certificates: Path) -> None:
    keys = """, min_version: TLS12, max_version: TLS12, prefer_server_cipher_suites: false, client_ca_file: authority.crt,
    client_auth_type: VerifyClientCertIfGiven,
    cipher_suites: [TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256]"""
    context = tls(certificates, keys)
    assert (context.minimum_version, context.maximum_version) == (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_2)
    assert context.verify_mode is ssl.CERT_OPTIONAL
    assert not context.options & ssl.OP_CIPHER_SERVER_PREFERENCE
    ciphers = [each["name"] for each in context.get_ciphers() if each["protocol"] != "TLSv1.3"]
    assert ciphers == ["ECDHE-ECDSA-CHACHA20-POLY1305", "ECDHE-ECDSA-AES128-GCM-SHA256"]


@pytest.mark.parametrize(
    "suite, number",
    [
        ("ECDSA_WITH_AES_128_CBC_SHA", 0xC009),
        ("ECDSA_WITH_AES_256_CBC_SHA", 0xC00A),
        ("RSA_WITH_AES_128_CBC_SHA", 0xC013),
        ("RSA_WITH_AES_256_CBC_SHA", 0xC014),
        ("ECDSA_WITH_AES_128_GCM_SHA256", 0xC02B),
        ("ECDSA_WITH_AES_256_GCM_SHA384", 0xC02C),
        ("RSA_WITH_AES_128_GCM_SHA256", 0xC02F),
        ("RSA_WITH_AES_256_GCM_SHA384", 0xC030),
        ("RSA_WITH_CHACHA20_POLY1305_SHA256", 0xCCA8),
        ("ECDSA_WITH_CHACHA20_POLY1305_SHA256", 0xCCA9),
    ],
)
def test_a_cipher_suite_is_the_one_that_iana_numbers_so(certificates: Path, suite: str, number: int) -> None:
    context = tls(certificates, f", max_version: TLS12, cipher_suites: [TLS_ECDHE_{suite}]")
    assert [each["id"] & 0xFFFF for each in context.get_ciphers() if each["protocol"] != "TLSv1.3"] == [number]


def test_required_certificates_authenticate_and_optional_ones_do_not(certificates: Path) -> None:
    text = "tls_server_config: {{cert_file: server.crt, key_file: server.key, client_ca_file: authority.crt, {}}}"
    assert loaded(certificates, text.format("client_auth_type: RequireAndVerifyClientCert")).authenticates
    assert not loaded(certificates, text.format("client_auth_type: VerifyClientCertIfGiven")).authenticates


@pytest.mark.parametrize(
    "cert, key, said",
    [
        ("server.crt", "gone", "3: tls_server_config.key_file: gone cannot be read: No such file or directory; give a file"),
        ("server.crt", "web.yml", "3: tls_server_config.key_file: web.yml has no private key that OpenSSL can read;"),
        ("server.crt", "server.crt", "3: tls_server_config.key_file: server.crt has no private key that OpenSSL can read;"),
        (
            "server.crt",
            "client.key",
            "3: tls_server_config.key_file: client.key is not the key of the certificate in cert_file;",
        ),
        ("server.key", "server.key", "2: tls_server_config.cert_file: server.key has no certificate that OpenSSL can read;"),
    ],
)
def test_files_that_cannot_be_used(certificates: Path, cert: str, key: str, said: str) -> None:
    error = wrong(certificates, f"tls_server_config:\n  cert_file: {cert}\n  key_file: {key}\n")
    assert error.startswith(f"web.yml:{said}")
    assert "\n" not in error


def test_a_key_with_a_password_is_refused_and_nobody_is_asked(certificates: Path) -> None:
    issue(certificates, "locked", password="secret")
    said = wrong(certificates, "tls_server_config:\n  cert_file: locked.crt\n  key_file: locked.key\n")
    remedy = "is encrypted, and the exporter cannot ask for its password; decrypt it with openssl pkey"
    assert said == f"web.yml:3: tls_server_config.key_file: {remedy}"


def test_an_authority_that_is_none(certificates: Path) -> None:
    keys = (
        "cert_file: server.crt, key_file: server.key, client_auth_type: RequireAndVerifyClientCert, client_ca_file: server.key"
    )
    remedy = "server.key has no certificate that OpenSSL can read; give it in PEM form"
    assert wrong(certificates, f"tls_server_config: {{{keys}}}") == f"web.yml:1: tls_server_config.client_ca_file: {remedy}"


def test_what_was_read_is_watched(certificates: Path) -> None:
    access = loaded(certificates, "tls_server_config: {cert_file: server.crt, key_file: server.key}")
    assert set(access.read) == {certificates / name for name in ("web.yml", "server.crt", "server.key")}
    assert not access.outdated
    with (certificates / "server.key").open("a") as key:
        key.write("\n")
    assert access.outdated
