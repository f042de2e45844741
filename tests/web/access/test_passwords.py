import base64

import bcrypt
import pytest

from exporter.web.access.passwords import Passwords

# Of "correct horse", "pässword" and seventy-two "a".
USERS = {
    "alice": b"$2b$06$gQSAzGbg9rAaJlzA8fuAeesvBFr2lvIROvqiGVYN5BsHSQvOZhJzC",
    "bob": b"$2y$05$F569bOeS5Bf23AVHu3BVq.SFSY4yBUccscWh0G8J.gPSu4UmudPLa",
    "long": b"$2b$05$Eddzsda2X0awtiyIlkO0KeNnlN.gJarnr/jrqETgTTdnz0lnoucRm",
}


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
    assert await passwords.admits(USERS, header)
    assert await passwords.admits(USERS, header)


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
    assert not await passwords.admits(USERS, header)
    assert not await passwords.admits(USERS, header)


async def test_a_right_password_is_remembered_and_a_wrong_one_is_not(compared: list[bytes]) -> None:
    passwords = Passwords()
    for _ in range(3):
        assert await passwords.admits(USERS, basic("alice", "correct horse"))
    assert compared == [USERS["alice"]]
    for _ in range(3):
        assert not await passwords.admits(USERS, basic("alice", "wrong"))
    assert compared == [USERS["alice"]] * 4


async def test_another_hash_of_the_same_user_is_looked_at_anew(compared: list[bytes]) -> None:
    passwords = Passwords()
    assert await passwords.admits(USERS, basic("alice", "correct horse"))
    assert not await passwords.admits({"alice": USERS["bob"]}, basic("alice", "correct horse"))
    assert compared == [USERS["alice"], USERS["bob"]]


async def test_an_unknown_user_costs_a_hash_of_the_greatest_cost_even_with_a_remembered_password(compared: list[bytes]) -> None:
    passwords, cheap = Passwords(), bcrypt.hashpw(b"cheap", bcrypt.gensalt(4))
    users = {"cheap": cheap, "dear": USERS["alice"]}
    assert await passwords.admits(users, basic("dear", "correct horse"))
    assert not await passwords.admits(users, basic("stranger", "correct horse"))
    assert compared == [USERS["alice"]] * 2


async def test_what_is_remembered_has_an_end() -> None:
    passwords = Passwords()
    for number in range(150):
        users = {"user": bcrypt.hashpw(b"%d" % number, bcrypt.gensalt(4))}
        assert await passwords.admits(users, basic("user", str(number)))
    assert len(passwords._right) == 100
    assert b"149" not in b"".join(passwords._right)
