"""The thread that works on the rollups, so that scrapes are answered while it does."""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import ParamSpec, Self, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class Worker:
    """One thread, one job at a time, in order. A job that has begun is always ended, even if nobody waits for it any more."""

    def __init__(self) -> None:
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="rollups")
        self.seconds = 0.0
        """How long all jobs took that have ended."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._executor.shutdown(wait=True, cancel_futures=True)

    async def run(self, job: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Do the job in the thread and return what it returns."""
        work = partial(job, *args, **kwargs)
        return await asyncio.get_running_loop().run_in_executor(self._executor, self._timed, work)

    def _timed(self, job: Callable[[], T]) -> T:
        start = time.perf_counter()
        try:
            return job()
        finally:
            self.seconds += time.perf_counter() - start
