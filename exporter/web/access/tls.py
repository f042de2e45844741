"""From ``tls_server_config`` to an SSL context."""

import ssl
from pathlib import Path
from typing import Literal, NoReturn

from exporter.web.access.schema import TlsSchema
from exporter.web.access.values import DEFAULT_SUITES

FileKey = Literal["cert_file", "key_file", "client_ca_file"]


class TlsFileError(Exception):
    """A file that cannot be used. ``key`` is its key; the message says why, and how to fix it."""

    def __init__(self, key: FileKey, message: str) -> None:
        super().__init__(message)
        self.key = key


def context(given: TlsSchema, directory: Path) -> ssl.SSLContext:
    """The SSL context of a server. File names are relative to the directory.

    Raises:
        TlsFileError: a file cannot be read, or has the wrong content.
    """
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.minimum_version, made.maximum_version = given.min_version, given.max_version
    made.options |= ssl.OP_NO_RENEGOTIATION  # as in Go: it costs the server more than the client
    made.set_alpn_protocols(["http/1.1"])
    made.set_ciphers(":".join(given.cipher_suites or DEFAULT_SUITES))
    if not given.prefer_server_cipher_suites:
        made.options &= ~ssl.OP_CIPHER_SERVER_PREFERENCE
    _identify(made, directory / given.cert_file, directory / given.key_file)
    if given.client_ca_file is not None:
        _trust(made, "client_ca_file", directory / given.client_ca_file)
        made.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN  # as in Go: every certificate of the file is trusted
        made.verify_mode = given.client_auth_type
    return made


def _identify(made: ssl.SSLContext, certificate: Path, key: Path) -> None:
    """Load the server's certificate and key. OpenSSL does not say which one is wrong, so the certificate is tried first."""
    _trust(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), "cert_file", certificate)
    try:
        made.load_cert_chain(certificate, key, password=_encrypted)
    except ssl.SSLError as error:
        reason = error.reason or ""
    except OSError as error:
        raise _unreadable("key_file", key, error) from None
    else:
        return
    if reason == "KEY_VALUES_MISMATCH":
        raise TlsFileError("key_file", f"{key} is not the key of the certificate in cert_file; renew both together")
    if reason.startswith(("EE_", "CA_")):
        raise TlsFileError("cert_file", f"{certificate} is too weak for OpenSSL ({reason.lower()}); make a stronger one")
    raise TlsFileError("key_file", f"{key} has no private key that OpenSSL can read; give it in PEM form")


def _trust(made: ssl.SSLContext, key: FileKey, path: Path) -> None:
    try:
        made.load_verify_locations(path)
    except ssl.SSLError:
        raise TlsFileError(key, f"{path} has no certificate that OpenSSL can read; give it in PEM form") from None
    except OSError as error:
        raise _unreadable(key, path, error) from None


def _unreadable(key: FileKey, path: Path, error: OSError) -> TlsFileError:
    reason = error.strerror or type(error).__name__
    return TlsFileError(key, f"{path} cannot be read: {reason}; give a file that the exporter may read")


def _encrypted() -> NoReturn:
    """The callback for the password of a key; without it, OpenSSL would ask at the terminal."""
    raise TlsFileError("key_file", "is encrypted, and the exporter cannot ask for its password; decrypt it with openssl pkey")
