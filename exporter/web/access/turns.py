"""A fair lock: which client is next when many wait."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ipaddress import IPv4Address, IPv6Address, ip_address

# About 2 MB.
_REMEMBERED = 10_000

Client = IPv4Address | int


def client(address: str | None) -> Client:
    """The client with this address: for IPv6 its /64 network, because one client may have all of its addresses.

    None is the address of a closed connection.
    """
    found = ip_address(address or "::")
    if isinstance(found, IPv6Address):
        return found.ipv4_mapped or int(found) >> 64
    return found


class Turns:
    """Gives the next turn to the client whose last turn, or last cancelled wait, is the oldest; to its newest request first.

    So a new client does not wait for clients that retry, however many there are.
    """

    def __init__(self) -> None:
        self._busy = False
        self._count = 0
        self._last: dict[Client, int] = {}
        self._waiting: dict[Client, list[asyncio.Future[None]]] = {}

    @asynccontextmanager
    async def turn(self, who: Client) -> AsyncIterator[None]:
        """Wait for a turn; it ends with the context."""
        try:
            if self._busy:
                await self._wait(who)
        finally:
            self._record(who)
        self._busy = True
        try:
            yield
        finally:
            self._pass_on()

    async def _wait(self, who: Client) -> None:
        mine = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(who, []).append(mine)
        try:
            await mine
        except asyncio.CancelledError:
            if mine.cancelled():
                self._forget(who, mine)
            else:
                self._pass_on()
            raise

    def _pass_on(self) -> None:
        while self._waiting:
            who = min(reversed(self._waiting), key=lambda each: self._last.get(each, 0))
            newest = self._waiting[who][-1]
            self._forget(who, newest)
            if not newest.cancelled():
                newest.set_result(None)
                return
        self._busy = False

    def _forget(self, who: Client, request: asyncio.Future[None]) -> None:
        waiting = self._waiting.get(who, [])
        if request in waiting:
            waiting.remove(request)
        if not waiting:
            self._waiting.pop(who, None)

    def _record(self, who: Client) -> None:
        if len(self._last) >= _REMEMBERED:
            self._last.clear()
        self._count += 1
        self._last[who] = self._count
