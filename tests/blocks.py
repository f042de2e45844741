"""The code of all pages, as a Markdown parser finds it: blocks, and spans within the text."""

from dataclasses import dataclass

from markdown_it import MarkdownIt

from tests.conftest import ROOT
from tests.test_links import PAGES


@dataclass(frozen=True)
class Block:
    """A code block. ``line`` is that of its fence; ``kind`` is its language, empty without one or without a fence."""

    page: str
    line: int
    kind: str
    text: str

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


TOKENS = [
    (page.relative_to(ROOT).as_posix(), token)
    for page in PAGES
    for token in MarkdownIt().enable("table").parse(page.read_text(encoding="utf-8"))
]
BLOCKS = [
    Block(page, token.map[0] + 1, token.info, token.content)
    for page, token in TOKENS
    if token.type in {"fence", "code_block"} and token.map
]
SPANS = {span.content for _, token in TOKENS for span in token.children or () if span.type == "code_inline"}


def of(kind: str) -> list[Block]:
    """The blocks in one language."""
    return [block for block in BLOCKS if block.kind == kind]
