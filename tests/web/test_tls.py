"""TLS as clients see it."""

import ssl
from pathlib import Path

import pytest

from exporter.web.access import Guard
from exporter.web.connection import Limits
from tests.certificates import renew
from tests.waiting import until_async
from tests.web.serving import DATA, ask, connect, said, served, write

pytestmark = pytest.mark.prometheus("openssl")

FILES = "cert_file: server.crt, key_file: server.key"
MUTUAL = f"{FILES}, client_auth_type: RequireAndVerifyClientCert, client_ca_file: authority.crt"


def guarded(directory: Path, keys: str = FILES) -> Guard:
    return write(directory / "web.yml", f"tls_server_config: {{{keys}}}")


def client(directory: Path, trusted: str = "server", own: str | None = None) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=directory / f"{trusted}.crt")
    if own:
        context.load_cert_chain(directory / f"{own}.crt", directory / f"{own}.key")
    return context


async def welcomed(port: int, context: ssl.SSLContext) -> bool:
    """Whether an answer can be had; with TLS 1.3 only the first reply says that a certificate is not taken."""
    try:
        return DATA in await said(port, b"GET /metrics HTTP/1.0\r\n\r\n", context)
    except (ssl.SSLError, ConnectionError):
        return False


async def test_metrics_are_served_over_tls(certificates: Path) -> None:
    async with served(guarded(certificates)) as port:
        answer = await ask(port, context=client(certificates))
    assert answer.status == 200
    assert DATA in answer.body


async def test_plain_http_is_not_answered_where_tls_is(certificates: Path) -> None:
    async with served(guarded(certificates)) as port:
        assert DATA not in await said(port, b"GET /metrics HTTP/1.0\r\n\r\n")
        assert (await ask(port, context=client(certificates))).status == 200


async def test_the_protocol_is_http_1(certificates: Path) -> None:
    async with served(guarded(certificates)) as port:
        context = client(certificates)
        context.set_alpn_protocols(["h2", "http/1.1"])
        _, writer = await connect(port, context)
        assert writer.get_extra_info("ssl_object").selected_alpn_protocol() == "http/1.1"
        writer.close()


@pytest.mark.parametrize("own, welcome", [("client", True), ("stranger", False), (None, False)])
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_client_certificates_are_required_and_verified(
    certificates: Path, version: ssl.TLSVersion, own: str | None, *, welcome: bool
) -> None:
    async with served(guarded(certificates, MUTUAL)) as port:
        context = client(certificates, own=own)
        context.minimum_version = context.maximum_version = version
        assert await welcomed(port, context) is welcome


@pytest.mark.parametrize("own, welcome", [("client", True), ("stranger", False), (None, True)])
async def test_client_certificates_are_verified_if_given(certificates: Path, own: str | None, *, welcome: bool) -> None:
    keys = MUTUAL.replace("RequireAndVerifyClientCert", "VerifyClientCertIfGiven")
    async with served(guarded(certificates, keys)) as port:
        assert await welcomed(port, client(certificates, own=own)) is welcome


async def test_a_certificate_that_is_trusted_by_itself_needs_no_authority(certificates: Path) -> None:
    """As in Go: what stands in client_ca_file is trusted, even if it is signed by somebody who does not stand there."""
    async with served(guarded(certificates, MUTUAL.replace("authority.crt", "client.crt"))) as port:
        assert await welcomed(port, client(certificates, own="client"))
        assert not await welcomed(port, client(certificates, own="stranger"))


@pytest.mark.parametrize(
    "keys, version, welcome",
    [
        ("min_version: TLS13", ssl.TLSVersion.TLSv1_2, False),
        ("min_version: TLS13", ssl.TLSVersion.TLSv1_3, True),
        ("max_version: TLS12", ssl.TLSVersion.TLSv1_3, False),
        ("max_version: TLS12", ssl.TLSVersion.TLSv1_2, True),
        ("cipher_suites: [TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384]", ssl.TLSVersion.TLSv1_2, True),
        ("cipher_suites: [TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384]", ssl.TLSVersion.TLSv1_2, False),
    ],
)
async def test_versions_and_ciphers(certificates: Path, keys: str, version: ssl.TLSVersion, *, welcome: bool) -> None:
    async with served(guarded(certificates, f"{FILES}, {keys}")) as port:
        context = client(certificates)
        context.minimum_version = context.maximum_version = version
        assert await welcomed(port, context) is welcome


@pytest.mark.parametrize("keys, welcome", [("", False), (", cipher_suites: [TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA]", True)])
async def test_a_client_that_has_only_cbc_is_refused_unless_that_is_listed(
    certificates: Path, keys: str, *, welcome: bool
) -> None:
    async with served(guarded(certificates, FILES + keys)) as port:
        context = client(certificates)
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        context.set_ciphers("ALL:!AESGCM:!AESCCM:!CHACHA20:!ARIAGCM:@SECLEVEL=0")
        assert await welcomed(port, context) is welcome


async def test_a_renewed_certificate_is_served_to_new_connections_and_old_ones_go_on(certificates: Path) -> None:
    guard = guarded(certificates)
    async with served(guard) as port:
        reader, writer = await connect(port, client(certificates))
        renew(certificates, "server", certificates / "renewed-server")
        # Nobody but the server looks at the files.
        await until_async(lambda: welcomed(port, client(certificates, "renewed-server")))
        writer.write(b"GET /-/healthy HTTP/1.0\r\n\r\n")
        assert (await reader.read()).endswith(b"healthy\n")
        writer.close()


async def test_tls_can_be_switched_on_and_off(certificates: Path) -> None:
    guard = write(certificates / "web.yml", "{}")
    async with served(guard) as port:
        assert (await ask(port)).status == 200
        (certificates / "web.yml").write_text(f"tls_server_config: {{{FILES}}}")
        guard.reload()
        assert (await ask(port, context=client(certificates))).status == 200
        (certificates / "web.yml").write_text("{}")
        guard.reload()
        assert (await ask(port)).status == 200


async def test_a_handshake_has_an_end(certificates: Path) -> None:
    async with served(guarded(certificates), Limits(handshake=0.2)) as port:
        assert await said(port, b"") == b""
        assert await said(port, b"\x16\x03\x01\x02\x00\x01\x00") == b""
        assert (await ask(port, context=client(certificates))).status == 200
