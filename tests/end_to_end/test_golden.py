"""What a real process serves over a ledger that is known by heart, to the last sample."""

import re
import subprocess
from datetime import UTC, datetime, timedelta

import pytest

from tests.conftest import Golden
from tests.end_to_end.process import Exporter

VOLATILE = re.compile(r"^(resource_exporter_|resource_budget_day_elapsed_ratio)")
# Absent in the first half hour of the day; and of histograms the page shows how many, but not in which bucket.
LEFT_OUT = re.compile(r"(# (HELP|TYPE) )?(process_|python_|resource_quest_projected_spend_usd|\w+_bucket\{)")


def masked(page: str) -> str:
    """The page with days told as how long ago they are, and without the values that no two runs share."""
    today = datetime.now(UTC).date()
    for back in range(31):
        page = page.replace(f'"{today - timedelta(days=back)}"', f'"today - {back:02}"')
    lines = [re.sub(r" \S+$", " …", line) if VOLATILE.match(line) else line for line in page.splitlines()]
    return "".join(f"{line}\n" for line in lines if not LEFT_OUT.match(line))


@pytest.fixture
def page(exporter: Exporter) -> str:
    return exporter.page()


def test_the_page_is_as_it_was(page: str, golden: Golden) -> None:
    golden("metrics.txt", masked(page))


@pytest.mark.prometheus("promtool")
def test_promtool_has_no_remark(page: str) -> None:
    checked = subprocess.run(["promtool", "check", "metrics"], input=page, capture_output=True, text=True, check=False)
    assert (checked.returncode, checked.stdout + checked.stderr) == (0, "")
