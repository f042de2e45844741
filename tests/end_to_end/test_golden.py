"""All samples of a real process with a known ledger, compared with a golden file."""

import re
import subprocess
from datetime import UTC, datetime, timedelta

import pytest

from tests.conftest import Golden
from tests.end_to_end.process import Exporter

VOLATILE = re.compile(r"^(resource_exporter_|resource_budget_day_elapsed_ratio|resource_quest_budget_(elapsed|end))")
# The projection is absent in the first half hour of the day, and the buckets of histograms vary.
LEFT_OUT = re.compile(r"(# (HELP|TYPE) )?(process_|python_|resource_quest_(budget_)?projected_spend_usd|\w+_bucket\{)")


def masked(page: str) -> str:
    """The samples with days as distances from today, and without the values that differ in every run."""
    today = datetime.now(UTC).date()
    for back in range(31):
        page = page.replace(f'"{today - timedelta(days=back)}"', f'"today - {back:02}"')
    lines = [re.sub(r" \S+$", " …", line) if VOLATILE.match(line) else line for line in page.splitlines()]
    return "".join(f"{line}\n" for line in lines if not LEFT_OUT.match(line))


@pytest.fixture
def page(exporter: Exporter) -> str:
    return exporter.page()


def test_the_samples_equal_the_golden_file(page: str, golden: Golden) -> None:
    golden("metrics.txt", masked(page))


@pytest.mark.prometheus("promtool")
def test_promtool_finds_nothing(page: str) -> None:
    checked = subprocess.run(["promtool", "check", "metrics"], input=page, capture_output=True, text=True, check=False)
    assert (checked.returncode, checked.stdout + checked.stderr) == (0, "")
