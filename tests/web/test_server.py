import socket
from pathlib import Path

import pytest
from aiohttp import ClientSession, web
from structlog.testing import capture_logs

from exporter.web.access import Guard
from exporter.web.server import Address, AddressError, parse_address, serve
from tests.web.serving import write


@pytest.mark.parametrize(
    "text,address",
    [
        (":9877", Address(None, 9877)),
        ("127.0.0.1:9877", Address("127.0.0.1", 9877)),
        ("localhost:0", Address("localhost", 0)),
        ("exporter-1.example:65535", Address("exporter-1.example", 65535)),
        ("[::1]:9877", Address("::1", 9877)),
        ("[::]:80", Address("::", 80)),
        ("[fe80::1%eth0]:80", Address("fe80::1%eth0", 80)),
    ],
)
def test_addresses(text: str, address: Address) -> None:
    assert parse_address(text) == address


@pytest.mark.parametrize(
    "text", ["", "9877", ":", "host:", "::1:9877", "[::1]", "[::1]9877", "[host]:1", "a:b", ":-1", ":9877 ", "http://x:1", ":٣"]
)
def test_what_is_no_address_is_told_how_to_write_one(text: str) -> None:
    with pytest.raises(AddressError) as error:
        parse_address(text)
    expected = f"--web.listen-address={text}: write host:port, :port or [ipv6]:port, such as :9877 or [::1]:9877"
    assert str(error.value) == expected


def test_a_port_has_an_end() -> None:
    with pytest.raises(AddressError) as error:
        parse_address(":65536")
    assert str(error.value) == "--web.listen-address=:65536: there is no port 65536; the highest is 65535"


@pytest.mark.parametrize("text", ["127.0.0.1:0", ":0"])
async def test_a_free_port_is_found_served_and_given_back(text: str) -> None:
    async with (
        serve(web.Application(), parse_address(text), Guard()) as port,
        ClientSession() as client,
        client.get(f"http://127.0.0.1:{port}/") as response,
    ):
        assert response.status == 404
    with socket.create_server(("127.0.0.1", port)):
        pass


@pytest.mark.parametrize("host", ["127.0.0.1", None])
async def test_a_port_in_use_is_an_error_that_names_it(host: str | None) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(AddressError, match=r"(?i)address already in use") as error:
            async with serve(web.Application(), Address(host, port), Guard()):
                pass
        assert str(port) in str(error.value)


async def test_a_host_that_does_not_exist_is_an_error_that_says_so() -> None:
    said = r"^--web\.listen-address=nowhere\.invalid:0: [A-Z][a-z ]+; fix: choose another address"
    with pytest.raises(AddressError, match=said):
        async with serve(web.Application(), Address("nowhere.invalid", 0), Guard()):
            pass


async def test_a_name_with_several_addresses_has_one_port() -> None:
    async with serve(web.Application(), Address("localhost", 0), Guard()) as port, ClientSession() as client:
        for _, _, _, _, (host, *_) in socket.getaddrinfo("localhost", port, type=socket.SOCK_STREAM):
            address = f"[{host}]" if ":" in str(host) else host
            async with client.get(f"http://{address}:{port}/") as response:
                assert response.status == 404


@pytest.mark.parametrize("address, lines", [("127.0.0.1:0", 0), ("localhost:0", 0), ("0.0.0.0:0", 1), (":0", 1)])
async def test_it_is_said_when_everybody_may_read_the_numbers(address: str, lines: int) -> None:
    with capture_logs() as logs:
        async with serve(web.Application(), parse_address(address), Guard()):
            pass
    assert [entry["log_level"] for entry in logs] == ["warning"] * lines


async def test_nothing_is_said_when_users_are_known(tmp_path: Path) -> None:
    guard = write(
        tmp_path / "web.yml", "basic_auth_users: {alice: $2b$04$prcMHzCEl3WIzPjCGwAYb.NN7CNhFoQbQydfysQ69q7EC3Pt5K5lu}"
    )
    with capture_logs() as logs:
        async with serve(web.Application(), parse_address(":0"), guard):
            pass
    assert logs == []
