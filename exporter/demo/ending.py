"""How the demo ends at SIGINT or SIGTERM, whatever it is doing: at the first of them, and with nothing left behind."""

import asyncio
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import cast

SIGNALS = (signal.SIGINT, signal.SIGTERM)


def interrupt_once() -> None:
    """Let the first signal raise KeyboardInterrupt, and those that follow not disturb what it sets off."""

    def interrupt(*_: object) -> None:
        ignore()
        raise KeyboardInterrupt

    for number in SIGNALS:
        signal.signal(number, interrupt)


def ignore() -> None:
    """From here on, no signal disturbs the end; one that was held back is forgotten."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)


@contextmanager
def cancelling() -> Iterator[None]:
    """Let a signal cancel the current task. Who closes the loop calls :func:`ignore` then; signals wait until that."""
    task = cast("asyncio.Task[object]", asyncio.current_task())
    for number in SIGNALS:
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    try:
        yield
    finally:
        # With the loop go its handlers, and a signal would end the process at once.
        signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)


@contextmanager
def held() -> Iterator[None]:
    """Hold signals back while something is made, until its owner knows of it. Only the main thread can be interrupted."""
    came: list[int] = []
    try:
        before = {number: signal.signal(number, lambda number, _: came.append(number)) for number in SIGNALS}
    except ValueError:  # another thread, to which no handler is called
        before = {}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        for late in came[:1]:
            signal.raise_signal(late)
