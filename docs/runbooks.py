"""Write docs/alerts.md as the HTML that the exporter serves at ``/-/alerts``: ``python -m docs.runbooks``."""

import re
from pathlib import Path

import markdown

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "docs/alerts.md"
TARGET = ROOT / "exporter/web/page/templates/runbooks.html"

_HEADER = "{# Written by `make docs` from docs/alerts.md: change that. #}\n"
_LINK_TO_ANOTHER_PAGE = re.compile(r"\[([^]]+)\]\((?!#)[^)]+\)")


def runbooks() -> str:
    """Return the page without its title, as a template. Links to other pages are plain text: the exporter has only this one."""
    text = SOURCE.read_text(encoding="utf-8").removeprefix("# Alerts\n")
    html = markdown.markdown(_LINK_TO_ANOTHER_PAGE.sub(r"\1", text), extensions=["fenced_code", "tables", "toc"])
    return f"{_HEADER}{{% raw %}}\n{html}\n{{% endraw %}}\n"


if __name__ == "__main__":
    TARGET.write_text(runbooks(), encoding="utf-8")
