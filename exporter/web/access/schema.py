"""The keys of the web configuration file, as in Prometheus' exporter-toolkit. docs/web.md documents each of them."""

import ssl
from collections.abc import Mapping
from typing import Annotated, Self

from pydantic import AfterValidator, BeforeValidator, Field, PlainValidator, ValidationInfo, field_validator, model_validator

from exporter.config.errors import KeyPath
from exporter.config.names import text
from exporter.config.validation import Strict
from exporter.web.access import values

_REMEDY = "leave it out, and let a reverse proxy do this"

FileName = Annotated[str, PlainValidator(text)]
Version = Annotated[ssl.TLSVersion, PlainValidator(values.tls_version)]
Switch = Annotated[bool, PlainValidator(values.switch)]
Suites = Annotated[tuple[Annotated[str, PlainValidator(values.suite)], ...], BeforeValidator(values.suites)]
Header = Annotated[str, AfterValidator(values.header)]
HeaderValue = Annotated[str, PlainValidator(values.header_value)]
User = Annotated[str, AfterValidator(values.user)]
Hash = Annotated[bytes, PlainValidator(values.hashed)]
Refused = Annotated[None, PlainValidator(values.refused(_REMEDY))]


class TlsSchema(Strict):
    """``tls_server_config``."""

    cert_file: FileName
    key_file: FileName
    client_auth_type: Annotated[ssl.VerifyMode, PlainValidator(values.client_auth)] = ssl.CERT_NONE
    client_ca_file: FileName | None = None
    min_version: Version = ssl.TLSVersion.TLSv1_2
    max_version: Version = ssl.TLSVersion.TLSv1_3
    cipher_suites: Suites = ()
    prefer_server_cipher_suites: Switch = True
    cert: Annotated[None, PlainValidator(values.refused("name a file in cert_file"))] = None
    key: Annotated[None, PlainValidator(values.refused("name a file in key_file"))] = None
    client_ca: Annotated[None, PlainValidator(values.refused("name a file in client_ca_file"))] = None
    client_allowed_sans: Refused = None
    curve_preferences: Refused = None

    @field_validator("max_version")
    @classmethod
    def _some_version(cls, value: ssl.TLSVersion, info: ValidationInfo) -> ssl.TLSVersion:
        if value < info.data.get("min_version", value):
            raise ValueError("is below min_version, so no version is left; raise it, or leave it out")
        return value

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.client_auth_type is ssl.CERT_NONE and self.client_ca_file is not None:
            raise ValueError("client_ca_file has no effect without client_auth_type; add RequireAndVerifyClientCert")
        if self.client_auth_type is not ssl.CERT_NONE and self.client_ca_file is None:
            raise ValueError("client_auth_type needs client_ca_file; add the certificates that sign those of clients")
        return self


class HttpSchema(Strict):
    """``http_server_config``."""

    http2: Annotated[bool, PlainValidator(values.http2)] = False
    headers: Annotated[dict[Header, HeaderValue], AfterValidator(values.headers)] = Field({})


class WebSchema(Strict):
    """A whole file."""

    tls_server_config: TlsSchema | None = None
    http_server_config: HttpSchema = HttpSchema()
    basic_auth_users: dict[User, Hash] = Field({})
    rate_limit: Refused = None

    @classmethod
    def shown(cls, path: KeyPath, data: Mapping[str, object]) -> KeyPath:  # noqa: ARG003 - as in Strict
        """A key below ``basic_auth_users`` may be a password by mistake: the line is enough."""
        return path[:1] if path[:1] == ("basic_auth_users",) else path
