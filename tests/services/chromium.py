"""A real Chromium."""

import asyncio
import os
import shutil
import subprocess
import sys
from pathlib import Path

from playwright import async_api
from playwright.sync_api import Browser, Playwright

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")

# Without these Chromium talks to its maker's hosts at every start.
_QUIET = (
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--disable-quic",
)


def launch(playwright: Playwright) -> Browser:
    """Start a headless Chromium and return it; RuntimeError when there is none to be had.

    It is the one that CHROMIUM names, else the machine's, else Debian's package where this process
    may install it, else the one that Playwright downloads.
    """
    program = _program(playwright.chromium.executable_path)
    return playwright.chromium.launch(executable_path=program, args=_arguments())


async def alaunch(playwright: async_api.Playwright) -> async_api.Browser:
    """Do what `launch` does, from an event loop."""
    program = await asyncio.to_thread(_program, playwright.chromium.executable_path)
    return await playwright.chromium.launch(executable_path=program, args=_arguments())


def _arguments() -> list[str]:
    return [*_QUIET, "--no-sandbox"] if os.geteuid() == 0 else [*_QUIET]


def _program(downloaded: str) -> str:
    if named := os.environ.get("CHROMIUM"):
        if not os.access(named, os.X_OK):
            raise RuntimeError(f"CHROMIUM is {named!r}, which cannot be run")
        return named
    return _on_path() or _if_there(downloaded) or _from_debian() or _download(downloaded)


def _on_path() -> str | None:
    return next((found for name in _NAMES if (found := shutil.which(name))), None)


def _if_there(path: str) -> str | None:
    return path if Path(path).exists() else None


def _from_debian() -> str | None:
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        return None
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (
        ["apt-get", "update", "--quiet"],
        ["apt-get", "install", "--quiet", "--yes", "--no-install-recommends", "chromium"],
    ):
        subprocess.run(command, check=False, env=quiet, stdin=subprocess.DEVNULL)
    return _on_path()


def _download(path: str) -> str:
    subprocess.run([sys.executable, "-m", "playwright", "install", "chromium"], check=False)
    if found := _if_there(path):
        return found
    raise RuntimeError(
        "no Chromium: none on PATH, and neither apt-get nor Playwright could bring one; "
        "install one, or name it in CHROMIUM"
    )
