"""Copying a rollup file of which much is free: it becomes smaller, or stays as it was."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from exporter.rollups import RollupFileError, session, shrinking
from tests.conftest import ROOT
from tests.rollups.entries import TODAY, Store
from tests.rollups.past import content, judged

FILLER = "CREATE TABLE filler AS SELECT random() AS x FROM range(2_000_000); CHECKPOINT; DROP TABLE filler; CHECKPOINT"
LIMITED = """
import resource, sys
from pathlib import Path
import duckdb
from exporter.rollups import shrinking
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), resource.RLIM_INFINITY))
try:
    shrinking.shrink(Path(sys.argv[1]))
except (duckdb.Error, OSError):
    print("refused")
"""


@pytest.fixture
def full(tmp_path: Path) -> Iterator[Store]:
    """A store with an outcome, and a file of which most is free."""
    store = Store(tmp_path)
    store.begin("costs", "impacts")
    store.apply("impacts", [judged("a", TODAY, 1)])
    store.rollups.connection.execute(FILLER)
    yield store
    store.rollups.close()


@pytest.fixture
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a small file be worth a copy."""
    monkeypatch.setattr(shrinking, "LEAST_FREE", 1)


@pytest.mark.usefixtures("_small")
def test_a_file_of_which_much_is_free_becomes_smaller(full: Store) -> None:
    before, large, numbers = content(full), full.path.stat().st_size, full.rows("SELECT nextval('keys')")
    full.rollups.shrink()
    assert full.path.stat().st_size < large / 2
    assert full.path.stat().st_mode & 0o777 == 0o600
    assert content(full) == before
    assert full.rows("SELECT nextval('keys')") == [(numbers[0][0] + 1,)]
    assert not shrinking.copied(full.path).exists()


def test_a_file_of_which_little_is_free_is_not_copied(full: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not shrinking.worthwhile(full.rollups.connection)
    monkeypatch.setattr(shrinking, "LEAST_FREE", 1)
    assert shrinking.worthwhile(full.rollups.connection)
    monkeypatch.setattr(shrinking, "MOST_USED", 1)  # nor a large one
    assert not shrinking.worthwhile(full.rollups.connection)


@pytest.mark.usefixtures("_small")
def test_a_symbolic_link_stays(tmp_path: Path) -> None:
    volume = tmp_path / "volume"
    volume.mkdir()
    link = tmp_path / "rollups.duckdb"
    link.symlink_to(volume / "file.duckdb")
    store = Store(tmp_path)
    store.rollups.connection.execute(FILLER)
    store.rollups.shrink()
    assert link.is_symlink()
    assert (volume / "file.duckdb").stat().st_size < 5_000_000
    store.rollups.close()


def test_a_disk_that_is_full_leaves_the_file_or_a_whole_copy(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.begin("costs", "impacts")
    store.apply("impacts", [judged(f"task {number}", TODAY, number, title=os.urandom(40).hex()) for number in range(30_000)])
    store.rollups.close()
    size, outcomes, refused = store.path.stat().st_size, "SELECT count(*) FROM impacts", 0
    for part in (1, 3, 5, 7, 9, 40):
        command = [sys.executable, "-c", LIMITED, str(store.path), str(size * part // 10)]
        run = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
        refused += run.stdout == "refused\n"
        with duckdb.connect(str(store.path), read_only=True) as connection:
            assert connection.execute(outcomes).fetchall() == [(30_000,)]
        assert not shrinking.copied(store.path).exists()
    assert 0 < refused < 6


def test_a_file_that_cannot_be_copied_stays_and_is_tried_again_tomorrow(full: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shrinking, "worthwhile", lambda _: True)
    shrinking.copied(full.path).mkdir(parents=True)
    monkeypatch.setattr(shrinking, "discard", lambda _: None)
    before = content(full)
    with pytest.raises((OSError, duckdb.Error)):
        full.rollups.compact(TODAY)
    assert content(full) == before
    assert not full.rollups.compact(TODAY)


def test_a_file_that_cannot_be_opened_after_it_was_copied_is_opened_later(full: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shrinking, "worthwhile", lambda _: True)
    before = content(full)

    def in_use(_: Path) -> None:
        raise RollupFileError("in use by another process")

    with monkeypatch.context() as patch:
        patch.setattr(session, "open_file", in_use)
        with pytest.raises(RollupFileError):
            full.rollups.shrink()
        with pytest.raises(RollupFileError):
            full.rollups.reopen_if_needed()
    assert full.rollups.reopen_if_needed()
    assert content(full) == before
