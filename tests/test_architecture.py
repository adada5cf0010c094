"""Rules of the house that no single feature would notice broken."""

import ast
import re
from pathlib import Path

import pytest
from django.template.loader import get_template

ROOT = Path(__file__).resolve().parents[1]

# From the ground up: a module imports only what stands above it in this list.
FLOORS = (
    "errors",
    "formatting",
    "names",
    "sessions",
    "wire",
    "skeletons",
    "rates",
    "limits",
    "addresses",
    "connections",
    "origins",
    "database",
    "forms",
    "doorbell",
    "models",
    "authors",
    "accounts",
    "signins",
    "apps",
    "policies",
    "log",
    "presence",
    "frames",
    "layouts",
    "fragments",
    "newest",
    "typists",
    "batches",
    "posting",
    "backups",
    "feed",
    "feeds",
    "subscribers",
    "outbox",
    "guests",
    "health",
    "admin",
    "consumers",
    "routing",
    "server",
    "views",
    "urls",
    "management",
)
WRITES = {"append", "edit", "delete", "lock"}
ORM_WRITES = {
    "save",
    "asave",
    "create",
    "acreate",
    "bulk_create",
    "bulk_update",
    "update",
    "aupdate",
    "delete",
    "adelete",
    "get_or_create",
    "update_or_create",
    "select_for_update",
}
MODULES = [
    path for path in sorted((ROOT / "rooms").rglob("*.py")) if "migrations" not in path.parts
]
TEMPLATES = sorted((ROOT / "templates").rglob("*.*"))


def floor(path: Path) -> str:
    return path.relative_to(ROOT / "rooms").parts[0].removesuffix(".py")


def imports(path: Path) -> set[str]:
    """The modules of `rooms` that a file imports, wherever it does so."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            names = [node.module or ""]
            if node.module == "rooms":
                names = [f"rooms.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        else:
            continue
        found |= {name.split(".")[1] for name in names if name.startswith("rooms.")}
    return {name for name in found if not name.startswith("_")}


def calls(path: Path) -> set[tuple[str, str]]:
    """What is called on what: `log.append(…)` is ("log", "append")."""
    return {
        (node.func.value.id if isinstance(node.func.value, ast.Name) else "", node.func.attr)
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
    }


def named(*names: str) -> list[Path]:
    found = [path for path in MODULES if floor(path) in names]
    assert {floor(path) for path in found} == set(names)
    return found


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_imports_only_downwards(path: Path) -> None:
    own = floor(path)
    if own == "__init__":
        assert not imports(path)
        return
    above = FLOORS[FLOORS.index(own) + 1 :]
    assert imports(path).isdisjoint(above)
    assert imports(path) <= set(FLOORS)


@pytest.mark.parametrize(
    ("name", "allowed"),
    [
        ("errors", set()),
        ("models", {"errors", "formatting", "names", "skeletons"}),
        ("skeletons", {"names"}),
        ("policies", {"authors", "models"}),
        ("log", {"authors", "errors", "models"}),
        ("doorbell", {"names"}),
        ("frames", {"authors", "errors", "log", "models"}),
        ("fragments", {"authors", "errors", "layouts", "log", "models"}),
    ],
)
def test_what_the_ground_stands_on(name: str, allowed: set[str]) -> None:
    for path in named(name):
        assert imports(path) <= allowed | {name}


def test_backups_know_what_is_stored_and_no_more() -> None:
    for path in named("backups"):
        assert imports(path) <= {"backups", "models", "skeletons"}


def test_nobody_but_the_addresses_knows_the_views() -> None:
    assert {floor(path) for path in MODULES if "views" in imports(path)} <= {"urls", "views"}


def test_only_posting_writes_to_the_log() -> None:
    writers = {
        floor(path)
        for path in MODULES
        for on, what in calls(path)
        if on == "log" and what in WRITES
    }
    assert writers == {"posting"}
    for path in MODULES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and floor(path) != "log":
                assert node.module not in {"rooms.log.writing", "rooms.log.last"}, path
                if node.module == "rooms.log":
                    assert (WRITES | {"writing"}).isdisjoint(one.name for one in node.names), path


def test_only_a_restore_writes_rows_past_the_log() -> None:
    bulk = {"bulk_create", "bulk_update", "_raw_delete"}
    writers = {floor(path) for path in MODULES for _, what in calls(path) if what in bulk}
    assert writers == {"log", "backups"}
    assert [path.stem for path in MODULES if "backups" in imports(path) - {floor(path)}] == [
        "backup",
        "restore",
    ]


def test_sockets_know_no_models() -> None:
    for path in named("consumers", "feed", "feeds", "subscribers", "outbox"):
        assert "models" not in imports(path)
        assert "objects" not in path.read_text()


def test_sockets_and_pages_never_write() -> None:
    for path in named("consumers", "feed", "feeds", "subscribers", "outbox", "views"):
        written = {(on, what) for on, what in calls(path) if what in ORM_WRITES}
        # A dictionary or a set is no table.
        assert {what for _, what in written} <= {"update"}, path
        assert "objects.update" not in path.read_text()


def test_only_the_doorbell_and_the_health_check_touch_the_channel_layer() -> None:
    touching = {
        floor(path)
        for path in MODULES
        if re.search(r"channels\.layers|get_channel_layer|group_send|group_add", path.read_text())
    }
    assert touching == {"doorbell", "health"}
    assert any("channel_layer_alias = None" in path.read_text() for path in named("consumers"))


# No script of ours


def test_there_is_no_script_file() -> None:
    scripts = {".js", ".mjs", ".ts", ".wasm"}
    assert [path for path in (ROOT / "static").rglob("*") if path.suffix in scripts] == []


@pytest.mark.parametrize(
    "forbidden",
    [
        r"<script\b(?![^>]*\bsrc=)",
        r"<style\b",
        r"\sstyle\s*=",
        r"\son[a-z]+\s*=",
        r"hx-on\b",
        r"""hx-trigger\s*=\s*("[^"]*\[|'[^']*\[)""",
        r"\bjs:",
        r"javascript:",
        r"_=['\"]",
    ],
)
def test_no_template_holds_script_or_style(forbidden: str) -> None:
    assert TEMPLATES
    guilty = [p.name for p in TEMPLATES if re.search(forbidden, p.read_text(), re.IGNORECASE)]
    assert guilty == []


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_a_template_compiles(path: Path) -> None:
    get_template(str(path.relative_to(ROOT / "templates")))


def test_the_only_script_is_the_one_that_django_htmx_ships() -> None:
    base = (ROOT / "templates" / "base.html").read_text()
    assert '{% htmx_script extensions="hx-ws" %}' in base
    assert [path.name for path in TEMPLATES if "htmx_script" in path.read_text()] == ["base.html"]
    assert [path.name for path in TEMPLATES if "<script" in path.read_text()] == []
