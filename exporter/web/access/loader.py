"""From a web configuration file to an :class:`Access`."""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from exporter.config.document import file_text, read
from exporter.config.errors import ConfigError, Problem
from exporter.config.validation import validate
from exporter.web.access.schema import TlsSchema, WebSchema
from exporter.web.access.tls import TlsFileError, context

Version = tuple[int, int, int, int] | None


@dataclass(frozen=True, slots=True)
class Access:
    """The settings of a web configuration file; the defaults, without one, are plain HTTP and no authentication.

    ``headers`` are set on every response. ``users`` maps names to bcrypt hashes. ``read`` maps each file that was read to its
    version before that.
    """

    tls: ssl.SSLContext | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    users: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    read: Mapping[Path, Version] = field(default_factory=dict, repr=False)

    @property
    def authenticates(self) -> bool:
        """Whether clients need a password or a certificate."""
        return bool(self.users) or (self.tls is not None and self.tls.verify_mode is ssl.CERT_REQUIRED)

    @property
    def outdated(self) -> bool:
        """Whether a file has changed since it was read."""
        return any(version(path) != before for path, before in self.read.items())


def load(path: Path) -> Access:
    """Read a web configuration file and the files that it names.

    Raises:
        ConfigError: one of them cannot be read, or something in it is wrong; one line for each problem.
    """
    source, versions = str(path), {path: version(path)}
    document = read(file_text(path), source, "tls_server_config or basic_auth_users")
    given = validate(WebSchema, document, source)
    tls, directory = given.tls_server_config, path.parent
    versions |= {file: version(file) for file in _files(tls, directory)}
    try:
        made = None if tls is None else context(tls, directory)
    except TlsFileError as error:
        where = ("tls_server_config", error.key)
        problem = Problem(document.line(where), where, str(error))
    else:
        return Access(made, given.http_server_config.headers, given.basic_auth_users, versions)
    raise ConfigError(source, [problem])


def version(path: Path) -> Version:
    """A value that differs when the file is written, replaced or gets other permissions; None if there is no file."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino, found.st_size, found.st_ctime_ns


def _files(tls: TlsSchema | None, directory: Path) -> list[Path]:
    if tls is None:
        return []
    return [directory / name for name in (tls.cert_file, tls.key_file, tls.client_ca_file) if name is not None]
