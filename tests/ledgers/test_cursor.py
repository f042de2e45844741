"""When a cursor may pass a position, told without a database."""

from exporter.ledgers.cursor import Group, Horizon, Position, Seen, changed

FEW = Group(rows=2, fingerprint=77, numbers=())


def test_a_mark_is_passed_only_when_everything_that_ran_then_has_ended() -> None:
    start = Position(passed=10, mark=10)
    marked = start.advance(12, Horizon(oldest=100, next=105))
    assert marked == Position(passed=10, mark=10, barrier=105)
    waiting = marked.advance(13, Horizon(oldest=104, next=120))
    assert waiting == marked
    assert waiting.advance(14, Horizon(oldest=105, next=130)) == Position(passed=10, mark=14)


def test_the_barrier_is_set_one_look_after_the_mark() -> None:
    seen = Position(passed=0, mark=0).advance(5, Horizon(1, 1)).advance(5, Horizon(1, 1))
    assert seen == Position(passed=0, mark=5, barrier=None)
    # A transaction that had drawn its id, but was not yet running, when bin 5 was seen, is running now, as number 7.
    running = seen.advance(6, Horizon(oldest=7, next=8))
    assert running.advance(6, Horizon(oldest=7, next=9)).passed == 0
    assert running.advance(6, Horizon(oldest=8, next=9)).passed == 5


def test_a_position_never_goes_back() -> None:
    position = Position(passed=50, mark=50, barrier=1)
    assert position.advance(3, Horizon(5, 5)).passed == 50


def test_only_what_is_new_or_gone_is_touched() -> None:
    before: Seen = {(4, 100): FEW, (5, 100): FEW, (5, 101): FEW}
    now: Seen = {(5, 100): FEW, (5, 101): Group(3, 78, ()), (6, None): FEW}
    assert sorted(changed(before, now, lower=5), key=str) == sorted([(101, FEW), (101, Group(3, 78, ())), (None, FEW)], key=str)


def test_after_a_restart_everything_above_the_position_is_touched() -> None:
    assert changed({}, {(5, 100): FEW}, lower=5) == [(100, FEW)]
