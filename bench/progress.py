"""What is going on, for whoever waits: a status on a terminal, else a line for everything."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console

Tell = Callable[[str], None]


@contextmanager
def progress(console: Console) -> Iterator[Tell]:
    """Call what comes with what is going on now."""
    with console.status("starting") as status:

        def tell(what: str) -> None:
            status.update(what)
            if not console.is_terminal:
                console.print(what)

        yield tell
