"""One file for each rule in tests/configs/bad; the comment at its top is what must be said about it."""

from itertools import takewhile
from pathlib import Path

import pytest

from exporter.config import ConfigError, load

BAD = Path(__file__).parents[1] / "configs" / "bad"
PASSWORD = "hunter2"


@pytest.mark.parametrize("name", sorted(file.name for file in BAD.iterdir()))
def test_what_is_wrong_is_said_exactly(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(BAD)
    comments = takewhile(lambda line: line.startswith("# "), Path(name).read_text(encoding="utf-8").splitlines())

    with pytest.raises(ConfigError) as caught:
        load(Path(name))

    assert str(caught.value).splitlines() == [comment.removeprefix("# ") for comment in comments]
    assert PASSWORD not in str(caught.value)
    assert caught.value.__context__ is None, "the cause would carry the values of the file into a traceback"
