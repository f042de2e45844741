"""Work that goes on beside something else."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager


@contextmanager
def beside(*works: Callable[[threading.Event], None]) -> Iterator[list[Future[None]]]:
    """As long as the context lives, each work goes on in a thread; the event tells it to stop.

    A work that fails is noticed at the end: its exception is raised there.
    """
    stopped = threading.Event()
    with ThreadPoolExecutor(max_workers=len(works)) as executor:
        running = [executor.submit(work, stopped) for work in works]
        try:
            yield running
        finally:
            stopped.set()
    for work in running:
        work.result()
