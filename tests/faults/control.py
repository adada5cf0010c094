"""What one server process is to suffer, in a file that it looks at.

The harness writes it, the process reads it: nothing of this is in `rooms`.
"""

import json
from pathlib import Path
from typing import Literal

Bell = Literal["", "dropped", "doubled", "delayed"]


class Control:
    """The file; a process that has none suffers nothing."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._read_at = -1
        self._wishes: dict[str, str] = {}

    def set_clock(self, seconds: float) -> None:
        """Let the process's clock be wrong by so many seconds."""
        self._set("clock", str(seconds))

    def set_bell(self, how: Bell) -> None:
        """Let something happen to the rings that the process hears, or nothing."""
        self._set("bell", how)

    @property
    def clock(self) -> float:
        """By how many seconds the clock is wrong."""
        return float(self._get("clock") or 0)

    @property
    def bell(self) -> str:
        """What happens to the rings."""
        return self._get("bell")

    def _set(self, name: str, wish: str) -> None:
        self._wishes[name] = wish
        draft = self.path.with_suffix(".draft")
        draft.write_text(json.dumps(self._wishes))
        draft.replace(self.path)

    def _get(self, name: str) -> str:
        try:
            changed_at = self.path.stat().st_mtime_ns
        except FileNotFoundError:
            return ""
        if changed_at != self._read_at:
            self._wishes = json.loads(self.path.read_text())
            self._read_at = changed_at
        return self._wishes.get(name, "")
