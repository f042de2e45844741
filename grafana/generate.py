"""Generate the JSON of the dashboards.

``python -m grafana.generate`` writes the files; with ``--check`` it prints the differences and fails if there are any.
"""

import argparse
import difflib
import json
import sys
from pathlib import Path
from typing import Final

from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import piechart
from grafana_foundation_sdk.models.dashboard import Panel, RowPanel

from grafana import exporter, month, provider, quest, resource
from grafana.layout import compose

FOLDER = Path(__file__).parent / "dashboards"
PAGES: Final = (resource.page, month.page, quest.page, provider.page, exporter.page)
SCHEMA_VERSION: Final = 37
"""The schema version of Grafana 9.3, the oldest supported one. Newer versions migrate dashboards when they load them."""


def dashboards() -> dict[str, str]:
    """Return the JSON of every dashboard by file name."""
    found = {}
    for make in PAGES:
        page = make()
        dashboard = compose(page).build()
        dashboard.schema_version = SCHEMA_VERSION
        for panel in dashboard.panels or ():
            _correct(panel)
        for link in dashboard.links or ():
            link.placement = None  # type: ignore[assignment]  # Grafana 12 hides a link with any placement
        found[f"{page.uid}.json"] = json.dumps(dashboard, cls=JSONEncoder, indent=2, ensure_ascii=False) + "\n"
    return found


def main() -> int:
    """Write or compare the dashboards; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m grafana.generate", description="Write the Grafana dashboards.")
    parser.add_argument("--check", action="store_true", help="write nothing; print the differences and fail if there are any")
    new = dashboards()
    if parser.parse_args().check:
        return _compare({path.name: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.json")}, new)
    for name, text in new.items():
        (FOLDER / name).write_text(text, encoding="utf-8")
    return 0


def _correct(panel: Panel | RowPanel) -> None:
    """Set what the library cannot: its default of ``repeatDirection`` makes a panel full width in some builds of Grafana.

    Without ``sort``, or in Grafana before it had the option, the slices of a pie are in order of their size, *Other* too.
    """
    if isinstance(panel, Panel):
        panel.repeat_direction = None
        if isinstance(panel.options, piechart.Options):
            panel.options = panel.options.to_json() | {"sort": "none"}


def _compare(old: dict[str, str], new: dict[str, str]) -> int:
    for name in sorted(old.keys() | new.keys()):
        before, after = (texts.get(name, "").splitlines(keepends=True) for texts in (old, new))
        sys.stdout.writelines(difflib.unified_diff(before, after, f"grafana/dashboards/{name}", "the code"))
    return int(old != new)


if __name__ == "__main__":
    sys.exit(main())
