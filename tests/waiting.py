"""Waiting for what happens elsewhere, and no longer than to a deadline."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")

DEADLINE = 150.0
"""Seconds after which what is waited for will not happen, on a slow machine too."""
PAUSE = 0.05


def until(condition: Callable[[], T | None], message: Callable[[], object] = str, patience: float = DEADLINE) -> T:
    """Wait until the condition holds, and return what it is then; fail with the message after so many seconds."""
    deadline = time.monotonic() + patience
    while not (found := condition()):
        assert time.monotonic() < deadline, message()
        time.sleep(PAUSE)
    return found


async def until_async(condition: Callable[[], Awaitable[bool]], patience: float = DEADLINE) -> None:
    """The same for conditions that are awaited."""
    async with asyncio.timeout(patience):
        while not await condition():  # noqa: ASYNC110 - what is waited for sets no event
            await asyncio.sleep(PAUSE)
