"""Basic authentication against bcrypt hashes."""

import asyncio
import base64
import binascii
import secrets
from collections import OrderedDict
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from hashlib import blake2b

import bcrypt

from exporter.web.access.turns import Client, Turns

_REMEMBERED = 100
_LONGEST = 72
"""Bytes of a password that bcrypt uses."""


class Passwords:
    """Checks passwords one at a time in its own thread, so that guesses block neither the event loop nor all processors.

    Correct passwords are remembered as keyed hashes, so that only the first scrape costs a bcrypt check.
    """

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="passwords")
        self._turns = Turns()
        self._key = secrets.token_bytes(32)
        self._correct: OrderedDict[bytes, None] = OrderedDict()

    async def admits(self, users: Mapping[str, bytes], authorization: str | None, who: Client) -> bool:
        """Whether the ``Authorization`` header has a known user and the correct password."""
        credentials = _decoded(authorization)
        if credentials is None:
            return False
        user, password = credentials
        return await self._matches(users, users.get(user), password[:_LONGEST], who)

    async def _matches(self, users: Mapping[str, bytes], own: bytes | None, password: bytes, who: Client) -> bool:
        digest = blake2b((own or b"") + password, key=self._key).digest()
        if own is not None and digest in self._correct:
            self._correct.move_to_end(digest)
            return True
        async with self._turns.turn(who):
            equal = await asyncio.get_running_loop().run_in_executor(self._thread, _equal, _hashes(users, own), password)
        if own is None or own not in equal:
            return False
        self._correct[digest] = None
        if len(self._correct) > _REMEMBERED:
            self._correct.popitem(last=False)
        return True


def _hashes(users: Mapping[str, bytes], own: bytes | None) -> list[bytes]:
    """One hash of each cost, including the user's: the time is the same for every user name, known or not."""
    each = {_cost(hashed): hashed for hashed in users.values()}
    return list((each if own is None else each | {_cost(own): own}).values())


def _equal(hashes: list[bytes], password: bytes) -> list[bytes]:
    return [hashed for hashed in hashes if bcrypt.checkpw(password, hashed)]


def _decoded(authorization: str | None) -> tuple[str, bytes] | None:
    """User and password (RFC 7617); None if the header has none."""
    scheme, _, token = (authorization or "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        user, colon, password = base64.b64decode(token.strip(), validate=True).partition(b":")
        return (user.decode(), password) if colon else None
    except (binascii.Error, ValueError):
        return None


def _cost(hashed: bytes) -> bytes:
    """The two digits of the cost: ``$2b$12$…``."""
    return hashed[4:6]
