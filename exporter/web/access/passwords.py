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
"""Bytes of a password that bcrypt looks at."""


class Passwords:
    """Checks passwords one at a time, in a thread of its own: whoever guesses takes neither the event loop nor all processors.

    Those that were right are remembered, as keyed hashes: a scrape every few seconds shall not cost a bcrypt each.
    """

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="passwords")
        self._turns = Turns()
        self._key = secrets.token_bytes(32)
        self._right: OrderedDict[bytes, None] = OrderedDict()

    async def admits(self, users: Mapping[str, bytes], authorization: str | None, who: Client) -> bool:
        """Whether the header ``Authorization`` of this client names one of the users with the right password."""
        credentials = _decoded(authorization)
        if credentials is None:
            return False
        user, password = credentials
        return await self._matches(users, users.get(user), password[:_LONGEST], who)

    async def _matches(self, users: Mapping[str, bytes], own: bytes | None, password: bytes, who: Client) -> bool:
        digest = blake2b((own or b"") + password, key=self._key).digest()
        if own is not None and digest in self._right:
            self._right.move_to_end(digest)
            return True
        async with self._turns.turn(who):
            equal = await asyncio.get_running_loop().run_in_executor(self._thread, _equal, _hashes(users, own), password)
        if own is None or own not in equal:
            return False
        self._right[digest] = None
        if len(self._right) > _REMEMBERED:
            self._right.popitem(last=False)
        return True


def _hashes(users: Mapping[str, bytes], own: bytes | None) -> list[bytes]:
    """One hash of each cost, that of the user among them: each user and a stranger take the same time, which names nobody."""
    each = {_cost(hashed): hashed for hashed in users.values()}
    return list((each if own is None else each | {_cost(own): own}).values())


def _equal(hashes: list[bytes], password: bytes) -> list[bytes]:
    return [hashed for hashed in hashes if bcrypt.checkpw(password, hashed)]


def _decoded(authorization: str | None) -> tuple[str, bytes] | None:
    """User and password as RFC 7617 has them; None when there are none."""
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
