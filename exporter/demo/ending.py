"""Signal handling of the demo: it ends at the first SIGINT or SIGTERM, at any moment, and leaves nothing behind."""

import asyncio
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import cast

SIGNALS = (signal.SIGINT, signal.SIGTERM)


def interrupt_once() -> None:
    """Let the first signal raise KeyboardInterrupt and ignore all later ones, so that they cannot interrupt the cleanup."""

    def interrupt(*_: object) -> None:
        ignore()
        raise KeyboardInterrupt

    for number in SIGNALS:
        signal.signal(number, interrupt)


def ignore() -> None:
    """Ignore signals from now on. A blocked one is discarded."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)


def block() -> None:
    """Delay signals until :func:`cancelling`, for one that comes while an event loop is made leaves a part of it behind."""
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)


@contextmanager
def cancelling() -> Iterator[None]:
    """Let a signal cancel the current task, also one that was blocked before.

    Signals are blocked at the end of the context. The caller closes the event loop and then calls :func:`ignore`.
    """
    task = cast("asyncio.Task[object]", asyncio.current_task())
    for number in SIGNALS:
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
    try:
        yield
    finally:
        # Closing the loop removes its handlers; without them a signal would end the process at once.
        block()


@contextmanager
def held() -> Iterator[None]:
    """Delay signals while a resource is created, until its owner can clean it up. Outside the main thread it does nothing."""
    came: list[int] = []
    try:
        before = {number: signal.signal(number, lambda number, _: came.append(number)) for number in SIGNALS}
    except ValueError:  # not the main thread: handlers never run here
        before = {}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        for late in came[:1]:
            signal.raise_signal(late)
