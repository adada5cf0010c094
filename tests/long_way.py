"""`manage.py` as another server would run it: without the short way to the wire."""

from unittest.mock import patch

import manage
from rooms.wire import Line

if __name__ == "__main__":
    with patch("rooms.wire.of", lambda scope: Line()):
        manage.main()
