"""Parsers of the values of the web configuration.

As in :mod:`exporter.config.values`, each raises ValueError: what is wrong; how to fix it. No message repeats users or hashes.
"""

import re
import ssl
from collections.abc import Callable, Mapping
from typing import Final, NoReturn

import bcrypt

from exporter.config.errors import quoted
from exporter.config.names import one_of, text

VERSIONS: Final = {"TLS12": ssl.TLSVersion.TLSv1_2, "TLS13": ssl.TLSVersion.TLSv1_3}
BROKEN_VERSIONS: Final = ("TLS10", "TLS11")
CLIENT_AUTH: Final = {
    "NoClientCert": ssl.CERT_NONE,
    "VerifyClientCertIfGiven": ssl.CERT_OPTIONAL,
    "RequireAndVerifyClientCert": ssl.CERT_REQUIRED,
}
# Python requests a certificate only to verify it. RequireClientCert is an older name of RequireAnyClientCert.
UNVERIFIED: Final = ("RequestClientCert", "RequireAnyClientCert", "RequireClientCert")
# The suites of tls.CipherSuites() for TLS 1.2 in Go 1.22 and later.
SUITES: Final = {
    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA": "ECDHE-ECDSA-AES128-SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA": "ECDHE-ECDSA-AES256-SHA",
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA": "ECDHE-RSA-AES128-SHA",
    "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA": "ECDHE-RSA-AES256-SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256": "ECDHE-ECDSA-AES128-GCM-SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384": "ECDHE-ECDSA-AES256-GCM-SHA384",
    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256": "ECDHE-RSA-AES128-GCM-SHA256",
    "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384": "ECDHE-RSA-AES256-GCM-SHA384",
    "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256": "ECDHE-RSA-CHACHA20-POLY1305",
    "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256": "ECDHE-ECDSA-CHACHA20-POLY1305",
}
# CBC is open to padding attacks.
DEFAULT_SUITES: Final = tuple(suite for name, suite in SUITES.items() if "_CBC_" not in name)
SUITES_OF_TLS13: Final = ("TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256")
# The headers of exporter-toolkit, and their allowed values; empty: any value.
HEADERS: Final[Mapping[str, tuple[str, ...]]] = {
    "Content-Security-Policy": (),
    "Strict-Transport-Security": (),
    "X-Content-Type-Options": ("nosniff",),
    "X-Frame-Options": ("deny", "sameorigin"),
    "X-XSS-Protection": (),
}
HIGHEST_COST: Final = 16
"""A check takes about 4 s, twice as long for each more, and a request has 10 s."""
_HASH_REMEDY: Final = "make one with htpasswd -nBC 10 USER"
_HASH = re.compile(r"\$2[aby]\$(?P<cost>\d\d)\$(?P<salt>[./A-Za-z0-9]{22})[./A-Za-z0-9]{31}", re.ASCII)


def refused(remedy: str) -> Callable[[object], NoReturn]:
    """A parser that rejects a key of the format that the exporter does not support."""

    def parse(_value: object) -> NoReturn:
        raise ValueError(f"is not supported; {remedy}")

    return parse


def switch(value: object) -> bool:
    """``true`` or ``false``."""
    if value not in ("true", "false"):
        raise ValueError(f"{quoted(value)} is neither true nor false")
    return value == "true"


def http2(value: object) -> bool:
    """``false``: there is only HTTP/1.1."""
    if switch(value):
        raise ValueError("HTTP/2 is not supported; write false, or leave the key out")
    return False


def tls_version(value: object) -> ssl.TLSVersion:
    """TLS 1.2 or 1.3."""
    if value in BROKEN_VERSIONS:
        raise ValueError(f"{value} is insecure and not supported; write {' or '.join(VERSIONS)}")
    return VERSIONS[one_of("TLS version", VERSIONS, value)]


def client_auth(value: object) -> ssl.VerifyMode:
    """How client certificates are verified."""
    if value in UNVERIFIED:
        raise ValueError(f"{value} accepts unverified certificates and is not supported; write one of {', '.join(CLIENT_AUTH)}")
    return CLIENT_AUTH[one_of("client_auth_type", CLIENT_AUTH, value)]


def suites(value: object) -> object:
    """A list that is not empty; ``suite`` validates its items."""
    if not isinstance(value, list) or not value:
        raise ValueError("must be a list of one or more cipher suites, such as [TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256]")
    return value


def suite(value: object) -> str:
    """The OpenSSL name of a cipher suite, from its name in Go."""
    if value in SUITES_OF_TLS13:
        raise ValueError(f"{value} belongs to TLS 1.3, whose suites are always on; leave it out")
    return SUITES[one_of("cipher suite", SUITES, value)]


def header(value: str) -> str:
    """The name of a header that may be set."""
    return one_of("header that can be set", HEADERS, value)


def header_value(value: object) -> str:
    """The value of a header."""
    content = text(value)
    if not content.isascii() or not content.isprintable():
        raise ValueError("contains a character that is not allowed in a header; write printable ASCII")
    return content


def headers(value: dict[str, str]) -> dict[str, str]:
    """Headers with allowed values."""
    for name, content in value.items():
        if HEADERS[name] and content not in HEADERS[name]:
            raise ValueError(f"{name}: {quoted(content)} is not a valid value; write {' or '.join(HEADERS[name])}")
    return value


def user(value: str) -> str:
    """A user name; basic authentication sends it before a colon."""
    if not value or ":" in value or not value.isprintable():
        raise ValueError("has an invalid user name; use one or more printable characters without a colon")
    return value


def hashed(value: object) -> bytes:
    """A bcrypt hash. Its salt is tested at the lowest cost."""
    found = _HASH.fullmatch(value) if isinstance(value, str) else None
    if found is None or not _usable(found["cost"], found["salt"]):
        raise ValueError(f"has a password that is not a bcrypt hash; {_HASH_REMEDY}")
    if int(found["cost"]) > HIGHEST_COST:
        raise ValueError(f"has a hash of cost {found['cost']}, which takes too long to check; {_HASH_REMEDY}")
    return found[0].encode()


def _usable(cost: str, salt: str) -> bool:
    if not 4 <= int(cost) <= 31:
        return False
    try:
        bcrypt.hashpw(b"", f"$2b$04${salt}".encode())
    except ValueError:
        return False
    return True
