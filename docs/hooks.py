"""The hooks of mkdocs.yml: the site has the pages of the repository at their paths, so that links work in both places."""

import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parent.parent
CONTENT = ("*.md", "docs/**/*.md", "docs/images/*", "bench/*.md", "deploy/**/*.md")

_LINK = re.compile(r"(?<!!)\[([^]]+)\]\((?!https?:|mailto:|#)([^)#\s]+)\)")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Return the files of the theme, and the pages and images of the repository."""
    theme = [file for file in files if file.src_dir != config.docs_dir]
    paths = [path.relative_to(ROOT).as_posix() for pattern in CONTENT for path in ROOT.glob(pattern)]
    return Files([*theme, *(File(path, str(ROOT), config.site_dir, config.use_directory_urls) for path in sorted(paths))])


def on_page_markdown(markdown: str, page: Page, **_: object) -> str:
    """Return the text with the path of a file instead of a link to it, where the file is no page of the site."""
    folder = (ROOT / page.file.src_uri).parent

    def told(link: re.Match[str]) -> str:
        text, target = link.groups()
        if target.endswith(".md"):
            return link[0]
        path = (folder / target).resolve().relative_to(ROOT)
        return f"`{path}`" if text.strip("`") in (path.name, str(path)) else f"{text} (`{path}`)"

    return _LINK.sub(told, markdown)
