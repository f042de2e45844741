import asyncio

import pytest

from exporter.web.access.turns import Turns, client


@pytest.mark.parametrize(
    "one, other, same",
    [
        ("192.0.2.1", "192.0.2.1", True),
        ("192.0.2.1", "192.0.2.2", False),
        ("192.0.2.1", "::ffff:192.0.2.1", True),  # as a socket for both protocols says it
        ("::ffff:192.0.2.1", "::ffff:192.0.2.2", False),
        ("2001:db8::1", "2001:db8::ffff:0:0:2", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("fe80::1%eth0", "fe80::2%eth0", True),
    ],
)
def test_who_is_the_same_client(one: str, other: str, *, same: bool) -> None:
    assert (client(one) == client(other)) is same


async def settled() -> None:
    """All that is ready has run."""
    for _ in range(10):
        await asyncio.sleep(0)


class Queue:
    """Requests that take their turns; each ends when it is told to."""

    def __init__(self) -> None:
        self.turns, self.order = Turns(), list[str]()
        self._ends, self.tasks = dict[str, asyncio.Event](), dict[str, asyncio.Task[None]]()

    async def come(self, *names: str) -> None:
        """One request each; the number of the client is the first character."""
        for name in names:
            self._ends[name] = asyncio.Event()
            self.tasks[name] = asyncio.create_task(self._request(name))
            await settled()

    async def end(self, times: int) -> None:
        """The request whose turn it is, if any, ends; that many times."""
        for _ in range(times):
            self._ends[self.order[-1]].set()
            await settled()

    async def _request(self, name: str) -> None:
        async with self.turns.turn(client(f"192.0.2.{name[0]}")):
            self.order.append(name)
            await self._ends[name].wait()


@pytest.fixture
def queue() -> Queue:
    return Queue()


async def test_it_is_one_at_a_time_and_of_one_client_the_newest_first(queue: Queue) -> None:
    await queue.come("1a", "1b", "1c", "1d")
    assert queue.order == ["1a"]
    await queue.end(3)
    assert queue.order == ["1a", "1d", "1c", "1b"]


async def test_a_new_client_goes_before_those_that_had_a_turn(queue: Queue) -> None:
    await queue.come("1a", "1b", "1c", "2a", "2b", "2c")
    await queue.end(2)
    assert queue.order == ["1a", "2c", "1c"]
    await queue.come("3a", "1d")
    await queue.end(4)
    assert queue.order == ["1a", "2c", "1c", "3a", "2b", "1d", "2a"]
    await queue.end(1)
    assert queue.order[-1] == "1b"


async def test_a_client_that_gave_up_and_comes_again_is_not_new(queue: Queue) -> None:
    await queue.come("1a", "2a")
    queue.tasks["2a"].cancel()
    await queue.come("3a", "2b")
    await queue.end(2)
    assert queue.order == ["1a", "3a", "2b"]


async def test_of_two_new_clients_the_later_goes_first(queue: Queue) -> None:
    await queue.come("1a", "2a", "3a")
    await queue.end(2)
    assert queue.order == ["1a", "3a", "2a"]


async def test_a_request_that_is_given_up_leaves_its_place(queue: Queue) -> None:
    await queue.come("1a", "2a", "3a")
    queue.tasks["3a"].cancel()
    await settled()
    await queue.end(2)
    assert queue.order == ["1a", "2a"]
    await queue.come("4a")
    assert queue.order == ["1a", "2a", "4a"]
    assert not queue.turns._waiting


@pytest.mark.parametrize("given_up", ["1a", "2a", "3a"])
@pytest.mark.parametrize("steps", range(4))
async def test_no_turn_is_lost_when_one_is_given_up_at_any_step(queue: Queue, given_up: str, steps: int) -> None:
    await queue.come("1a", "3a", "2a")
    queue._ends["1a"].set()
    for _ in range(steps):
        await asyncio.sleep(0)
    queue.tasks[given_up].cancel()
    await settled()
    await queue.come("4a")
    await queue.end(4)
    assert set(queue.order) | {given_up} == {"1a", "2a", "3a", "4a"}
    assert all(task.cancelled() or task.exception() is None for task in queue.tasks.values())
    assert not queue.turns._busy


async def test_what_is_remembered_of_clients_has_an_end() -> None:
    turns = Turns()
    for number in range(25_000):
        async with turns.turn(number):
            pass
    assert len(turns._last) <= 10_000
