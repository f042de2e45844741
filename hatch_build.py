"""The description of the package for an index page, where relative links do not work, and its URLs.

Where the project is published is known at a release only: ``RESOURCE_EXPORTER_PROJECT_URL`` has it there. With it, links are
absolute; without it, they are paths in the source distribution.
"""

import os
import re
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

VARIABLE = "RESOURCE_EXPORTER_PROJECT_URL"
PAGES = {"Documentation": "README.md#documentation", "Changelog": "CHANGELOG.md", "Security": "SECURITY.md"}
LINK = re.compile(r"(!?)\[([^\]]*)\]\((?!https?:)([^)\s]+)\)")
NOTE = "\nPaths such as `docs/metrics.md` are those of the source distribution, which also has the dashboards and alerts.\n"


class DescriptionHook(MetadataHookInterface):
    """Adds ``readme`` and ``urls``. A source distribution has them in its metadata, whatever the environment is then."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Change the metadata of ``pyproject.toml`` in place."""
        if "readme" in metadata:
            metadata.setdefault("urls", {})  # unset, the field would be declared as unknown until an installation
            return
        url, version = os.environ.get(VARIABLE, "").rstrip("/"), metadata["version"]
        text = (Path(self.root) / "README.md").read_text(encoding="utf-8")
        metadata["readme"] = {"content-type": "text/markdown", "text": described(text, url, version)}
        metadata["urls"] = urls(url, version)


def described(readme: str, url: str, version: str) -> str:
    """The README with absolute links to this version at ``url``; with paths and without images where ``url`` is empty."""
    if url:
        return LINK.sub(lambda found: f"{found[1]}[{found[2]}]({_file(url, version, found[3], found[1])})", readme)
    return LINK.sub(lambda found: "" if found[1] else _path(found[2], found[3]), readme) + NOTE


def urls(url: str, version: str) -> dict[str, str]:
    """The project URLs, as on GitHub and GitLab; none where ``url`` is empty, because an invented one would be wrong."""
    if not url:
        return {}
    return {"Source": url, "Issues": f"{url}/issues", **{name: _file(url, version, page) for name, page in PAGES.items()}}


def _file(url: str, version: str, path: str, image: str = "") -> str:
    return f"{url}/{'raw' if image else 'blob'}/v{version}/{path}"


def _path(text: str, path: str) -> str:
    file = path.partition("#")[0]
    return text if text == file else f"{text} (`{file}`)"
