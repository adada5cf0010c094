"""The harness as `make test` runs it: a minute of faults, and each rule of the design missed."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults.trial import SABOTAGED

pytestmark = [pytest.mark.services, pytest.mark.browser]

ROOT = Path(__file__).resolve().parents[2]
# Every wait in the harness has an end of its own; this one is for those that were forgotten.
_ENDS_SECONDS = 420


def play(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the harness as a program of its own, with an event loop and a browser of its own."""
    return subprocess.run(
        [sys.executable, "-m", "tests.faults", *arguments],
        check=False,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=_ENDS_SECONDS,
    )


def count(table: str, what: str) -> int:
    """The number in the table's row of that name."""
    found = re.search(rf"^\| {what} \| ([\d,]+) \|", table, re.MULTILINE)
    assert found, table
    return int(found[1].replace(",", ""))


def test_nothing_is_lost_doubled_or_reordered_whatever_breaks() -> None:
    played = play("--seconds", "30")
    assert played.returncode == 0, played.stdout + played.stderr
    assert count(played.stdout, "posts acknowledged") > 100, "for this test to mean anything"


@pytest.mark.parametrize("rule", sorted(SABOTAGED))
def test_without_a_rule_of_the_design_the_judge_finds_what_is_lost(rule: int) -> None:
    played = play("--seconds", "10", "--without", str(rule))
    assert played.returncode == 1, played.stdout + played.stderr
    assert count(played.stdout, "lost")
