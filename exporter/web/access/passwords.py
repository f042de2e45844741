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

_REMEMBERED = 100
_LONGEST = 72
"""Bytes of a password that bcrypt looks at."""


class Passwords:
    """Checks passwords one at a time, in a thread of its own: whoever guesses takes neither the event loop nor all processors.

    Those that were right are remembered, as keyed hashes: a scrape every few seconds shall not cost a bcrypt each.
    """

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="passwords")
        self._key = secrets.token_bytes(32)
        self._right: OrderedDict[bytes, None] = OrderedDict()

    async def admits(self, users: Mapping[str, bytes], authorization: str | None) -> bool:
        """Whether the header ``Authorization`` names one of the users with the right password.

        An unknown user costs as much time as a known one, or names could be found out by the clock.
        """
        credentials = _decoded(authorization)
        if credentials is None:
            return False
        user, password = credentials
        hashed = users.get(user, max(users.values(), key=_cost))
        return await self._matches(hashed, password[:_LONGEST], known=user in users)

    async def _matches(self, hashed: bytes, password: bytes, *, known: bool) -> bool:
        digest = blake2b(hashed + password, key=self._key).digest()
        if known and digest in self._right:
            self._right.move_to_end(digest)
            return True
        equal = await asyncio.get_running_loop().run_in_executor(self._thread, bcrypt.checkpw, password, hashed)
        if known and equal:
            self._right[digest] = None
            if len(self._right) > _REMEMBERED:
                self._right.popitem(last=False)
        return known and equal


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
    """The two digits of the cost, which order as numbers do: ``$2b$12$…``."""
    return hashed[4:6]
