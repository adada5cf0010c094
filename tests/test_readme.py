"""The README and the documents are true."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_file_that_is_linked_is_there(document: Path) -> None:
    links = re.findall(r"\]\(([^)#:]+)\)", document.read_text())
    assert [link for link in links if not (document.parent / link).exists()] == []


def test_every_command_of_make_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = set(re.findall(r"\bmake ([a-z-]+)", "".join(d.read_text() for d in DOCUMENTS)))
    assert {"run", "test"} <= named <= targets


def test_the_top_level_holds_what_belongs_there_and_nothing_else() -> None:
    belongs = {
        "manage.py", "site_config", "rooms", "templates", "static", "tests", "requirements.txt",
        "README.md", "LICENSE", "Makefile", "pyproject.toml", "docs", "var",
    }  # fmt: skip
    found = {path.name for path in ROOT.iterdir() if not path.name.startswith(".")}
    assert found <= belongs
    assert belongs - {"var"} <= found
