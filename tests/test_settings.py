"""Settings: what docs/settings.md says is what the code reads, and what is wrong is told."""

import os
import re
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from site_config.environment import TABLE

_ROOT = Path(__file__).resolve().parents[1]
_DOCS = _ROOT / "docs" / "settings.md"


def _check(tmp_path: Path, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run `manage.py check` with nothing but these settings."""
    return subprocess.run(
        [sys.executable, "manage.py", "check", *arguments],
        check=False,
        cwd=_ROOT,
        env={"PATH": os.environ["PATH"], "DATA_DIR": str(tmp_path), **settings},
        capture_output=True,
        text=True,
    )


def test_the_table_in_the_docs_is_the_table_in_the_code() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (.*?) \| (.*) \|$", _DOCS.read_text(), re.MULTILINE)
    told = {name: (default.strip("`"), meaning) for name, default, meaning in rows}
    assert len(told) == len(rows), "a setting stands twice"
    assert told == {row.name: (row.default, row.meaning) for row in TABLE.values()}


def test_the_settings_of_the_protocol_are_there() -> None:
    named = """HOST PORT SECRET_KEY DEBUG ALLOWED_HOSTS ALLOWED_ORIGINS DATABASE_URL REDIS_URL
        DATA_DIR MESSAGE_MAX POST_RATE TIME_ZONE"""
    assert set(named.split()) <= set(TABLE)


@pytest.mark.parametrize(
    ("name", "default"),
    [("DATA_DIR", "var"), ("MESSAGE_MAX", "4000"), ("POST_RATE", "10/10s"), ("FRAME_MAX", "65536")],
)
def test_the_defaults_of_the_protocol_hold(name: str, default: str) -> None:
    assert TABLE[name].default == default


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DEBUG", "maybe"),
        ("HTTPS", "2"),
        ("PORT", "0"),
        ("PORT", "65536"),
        ("PORT", "http"),
        ("MESSAGE_MAX", "0"),
        ("MESSAGE_MAX", "-1"),
        ("MESSAGE_MAX", "4k"),
        ("MESSAGE_MAX", ""),
        ("FRAME_MAX", "64 KiB"),
        ("PAGE_FRAME_MAX", "1.5"),
        ("PENDING_MAX", "many"),
        ("STUCK_SECONDS", "½"),
        ("POST_RATE", "10"),
        ("POST_RATE", "0/10s"),
        ("POST_RATE", "10/0s"),
        ("POST_RATE", "10/10d"),
        ("TIME_ZONE", "Mars/Olympus"),
        ("TIME_ZONE", "../../etc/passwd"),
        ("DATABASE_URL", "mysql://127.0.0.1/rooms"),
        ("DATABASE_URL", "rooms.sqlite3"),
        ("REDIS_URL", "127.0.0.1:6379"),
        ("DATA_DIR", "/dev/null/rooms"),
    ],
)
def test_a_wrong_value_ends_the_start_with_one_line_that_names_it(
    tmp_path: Path, name: str, value: str
) -> None:
    ended = _check(tmp_path, **{name: value})
    assert ended.returncode != 0
    told = (ended.stdout + ended.stderr).strip()
    assert name in told
    assert len(told.splitlines()) == 1, told


@pytest.mark.parametrize("password", ["letmein", "let/mein", "let#mein", "let?mein", "let[mein"])
@pytest.mark.parametrize(
    ("name", "scheme"),
    [
        ("DATABASE_URL", "postgers"),
        ("DATABASE_URL", "postgres"),
        ("REDIS_URL", "http"),
        ("REDIS_URL", "redis"),
    ],
)
def test_a_wrong_address_is_refused_without_its_password(
    tmp_path: Path, name: str, scheme: str, password: str
) -> None:
    ended = _check(tmp_path, **{name: f"{scheme}://rooms:{password}@127.0.0.1:port/0"})
    assert ended.returncode != 0
    told = ended.stdout + ended.stderr
    assert name in told
    assert "let" not in told
    assert "mein" not in told


@pytest.mark.parametrize("name", ["MESSAGE_MAX", "POST_RATE", "FRAME_MAX", "PENDING_MAX"])
def test_every_limit_takes_off(tmp_path: Path, name: str) -> None:
    assert _check(tmp_path, **{name: "off"}).returncode == 0


def test_the_defaults_need_nothing(tmp_path: Path) -> None:
    ended = _check(tmp_path, "--fail-level=WARNING")
    assert ended.returncode == 0, ended.stderr


def test_the_secret_key_is_made_once_and_is_for_its_owner_alone(tmp_path: Path) -> None:
    _check(tmp_path)
    path = tmp_path / "secret_key"
    key = path.read_text()
    assert len(key) >= 50
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    _check(tmp_path)
    assert path.read_text() == key
    assert sorted(file.name for file in tmp_path.iterdir() if "secret" in file.name) == [
        "secret_key"
    ]


def test_a_given_secret_key_is_written_nowhere(tmp_path: Path) -> None:
    _check(tmp_path, SECRET_KEY="k" * 60)
    assert not (tmp_path / "secret_key").exists()


def test_the_deployment_check_is_silent_in_production(tmp_path: Path) -> None:
    ended = _check(
        tmp_path,
        *("--deploy", "--fail-level=WARNING"),
        HTTPS="on",
        SECRET_KEY="zK3_vd9-Pq7sWm2xTb8yNc4hLf6jRg1aUe5oXi0QpZtVnYkDw-sBmHr",
        ALLOWED_HOSTS="chat.example",
    )
    assert ended.returncode == 0, ended.stderr
    assert "no issues" in ended.stdout
