import base64

import bcrypt
import pytest

from exporter.web.access.passwords import Passwords
from exporter.web.access.turns import client

# Of "correct horse", "pässword" and seventy-two "a".
USERS = {
    "alice": b"$2b$06$gQSAzGbg9rAaJlzA8fuAeesvBFr2lvIROvqiGVYN5BsHSQvOZhJzC",
    "bob": b"$2y$05$F569bOeS5Bf23AVHu3BVq.SFSY4yBUccscWh0G8J.gPSu4UmudPLa",
    "long": b"$2b$05$Eddzsda2X0awtiyIlkO0KeNnlN.gJarnr/jrqETgTTdnz0lnoucRm",
}
CLIENT = client("192.0.2.1")


def basic(user: str, password: str, encoding: str = "utf-8") -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode(encoding)).decode()


@pytest.fixture
def compared(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """The hashes that bcrypt was asked about."""
    asked, real = [], bcrypt.checkpw

    def spy(password: bytes, hashed: bytes) -> bool:
        asked.append(hashed)
        return real(password, hashed)

    monkeypatch.setattr(bcrypt, "checkpw", spy)
    return asked


@pytest.mark.parametrize(
    "header",
    [
        basic("alice", "correct horse"),
        basic("alice", "correct horse").replace("Basic", "bAsIc "),
        basic("bob", "pässword"),
        basic("long", "a" * 72),
        basic("long", "a" * 100),  # bcrypt ends at 72 bytes
    ],
)
async def test_the_right_password_is_admitted(header: str) -> None:
    passwords = Passwords()
    assert await passwords.admits(USERS, header, CLIENT)
    assert await passwords.admits(USERS, header, CLIENT)


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "Basic",
        "Basic ",
        "Basic !!!",
        "Basic YWxpY2U=",  # alice, and no colon
        "Bearer " + basic("alice", "correct horse").removeprefix("Basic "),
        basic("alice", ""),
        basic("alice", "correct horse "),
        basic("alice", "correct horse\0"),
        basic("Alice", "correct horse"),
        basic("bob", "correct horse"),
        basic("bob", "pässword", "latin-1"),
        basic("", "correct horse"),
        basic("ä", "correct horse", "latin-1"),
        basic("long", "a" * 71),
        basic("alice", USERS["alice"].decode()),
    ],
)
async def test_all_else_is_not(header: str | None) -> None:
    passwords = Passwords()
    assert not await passwords.admits(USERS, header, CLIENT)
    assert not await passwords.admits(USERS, header, CLIENT)


async def test_a_right_password_is_remembered_and_a_wrong_one_is_not(compared: list[bytes]) -> None:
    passwords, users = Passwords(), {"alice": USERS["alice"]}
    for _ in range(3):
        assert await passwords.admits(users, basic("alice", "correct horse"), CLIENT)
    assert compared == [USERS["alice"]]
    for _ in range(3):
        assert not await passwords.admits(users, basic("alice", "wrong"), CLIENT)
    assert compared == [USERS["alice"]] * 4


async def test_another_hash_of_the_same_user_is_looked_at_anew(compared: list[bytes]) -> None:
    passwords = Passwords()
    assert await passwords.admits({"alice": USERS["alice"]}, basic("alice", "correct horse"), CLIENT)
    assert not await passwords.admits({"alice": USERS["bob"]}, basic("alice", "correct horse"), CLIENT)
    assert compared == [USERS["alice"], USERS["bob"]]


@pytest.mark.parametrize("password", ["wrong", "correct horse"])
async def test_known_and_unknown_users_cost_the_same_whatever_their_hashes_cost(compared: list[bytes], password: str) -> None:
    cheap = [bcrypt.hashpw(b"cheap", bcrypt.gensalt(4)) for _ in range(2)]
    users = {"cheap": cheap[0], "alice": USERS["alice"], "bob": USERS["bob"], "cheap too": cheap[1]}
    costs = []
    for user in [*users, "stranger", ""]:
        compared.clear()
        right = (user, password) == ("alice", "correct horse")
        assert await Passwords().admits(users, basic(user, password), CLIENT) is right
        costs.append([hashed[4:6] for hashed in compared])
        assert users.get(user, compared[0]) in compared
    assert costs == [[b"04", b"06", b"05"]] * 6


async def test_a_remembered_password_of_one_user_is_not_that_of_another_or_of_nobody(compared: list[bytes]) -> None:
    passwords = Passwords()
    assert await passwords.admits(USERS, basic("alice", "correct horse"), CLIENT)
    assert not await passwords.admits(USERS, basic("bob", "correct horse"), CLIENT)
    assert not await passwords.admits(USERS, basic("stranger", "correct horse"), CLIENT)
    assert not await passwords.admits(USERS, basic("stranger", USERS["alice"].decode() + "correct"), CLIENT)


async def test_what_is_remembered_has_an_end() -> None:
    passwords = Passwords()
    for number in range(150):
        users = {"user": bcrypt.hashpw(b"%d" % number, bcrypt.gensalt(4))}
        assert await passwords.admits(users, basic("user", str(number)), CLIENT)
    assert len(passwords._correct) == 100
    assert b"149" not in b"".join(passwords._correct)
