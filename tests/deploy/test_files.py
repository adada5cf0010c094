"""What stands in docs/deploy/ fits the program and the systems that it is for."""

import os
import re
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from site_config.environment import TABLE
from tests.deploy.site import DEPLOY, settings

_ROOT = Path(__file__).resolve().parents[2]


def number(file: str, pattern: str) -> int:
    """The number in the file that the pattern finds, the same wherever it stands."""
    found = set(re.findall(pattern, (DEPLOY / file).read_text(), re.MULTILINE))
    assert len(found) == 1
    return int(found.pop())


def default(name: str) -> int:
    return int(TABLE[name].default)


def test_nginx_keeps_the_bounds_of_the_settings() -> None:
    assert number("nginx.conf", r"client_max_body_size (\d+)m;") << 20 == default("FORM_MAX")
    assert number("nginx.conf", r"keepalive_timeout (\d+)s;") < default("REQUEST_SECONDS")
    sockets = 2 * default("SOCKETS_MAX")
    assert number("nginx.conf", r"worker_connections (\d+);") >= sockets
    assert number("nginx.conf", r"worker_rlimit_nofile (\d+);") >= sockets


def test_systemd_keeps_the_bounds_of_the_settings() -> None:
    assert number("rooms@.service", r"^LimitNOFILE=(\d+)$") > default("SOCKETS_MAX")
    # Beside what is under way the end takes the goodbyes, and what does not end when cancelled.
    assert number("rooms@.service", r"^TimeoutStopSec=(\d+)$") >= default("DRAIN_SECONDS") + 5


def test_the_environment_holds_settings_and_no_port() -> None:
    commented = re.findall(r"^# ([A-Z_]+)=", (DEPLOY / "rooms.env").read_text(), re.MULTILINE)
    assert commented
    named = {*settings(), *commented}
    assert named <= TABLE.keys()
    # It would have the last word, for all processes.
    assert "PORT" not in named


def test_what_is_collected_as_the_readme_says_can_be_read_by_the_service(tmp_path: Path) -> None:
    assert "mkdir var && make" in (DEPLOY / "README.md").read_text()
    shutil.copy(_ROOT / "manage.py", tmp_path)
    shutil.copytree(_ROOT / "site_config", tmp_path / "site_config")
    for name in ("rooms", "static", "templates"):
        (tmp_path / name).symlink_to(_ROOT / name)
    var = tmp_path / "var"
    var.mkdir(mode=0o755)
    subprocess.run(
        [sys.executable, "manage.py", "collectstatic", "--no-input", "--verbosity=0"],
        check=True,
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"]},
        umask=0o022,
    )
    static = var / "static"
    assert (static / "staticfiles.json").exists()
    for path in [var, static, *static.rglob("*")]:
        wanted = stat.S_IROTH | (stat.S_IXOTH if path.is_dir() else 0)
        assert path.stat().st_mode & wanted == wanted, path


def test_with_that_environment_django_has_nothing_to_warn_of(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "manage.py", "check", "--deploy", "--fail-level=WARNING"],
        check=True,
        cwd=_ROOT,
        env={"PATH": os.environ["PATH"], "DATA_DIR": str(tmp_path), **settings()},
    )


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="this machine has no systemd")
def test_systemd_understands_the_unit(tmp_path: Path) -> None:
    unit = (DEPLOY / "rooms@.service").read_text()
    here = unit.replace("/srv/rooms/.venv/bin/python", sys.executable)
    (tmp_path / "rooms@8001.service").write_text(here.replace("/srv/rooms", str(_ROOT)))
    ended = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", tmp_path / "rooms@8001.service"],
        check=True,
        capture_output=True,
        text=True,
    )
    assert ended.stdout + ended.stderr == ""
