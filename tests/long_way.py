"""`manage.py` as another server would run it: without the short way to the wire."""

from unittest.mock import patch

import manage

if __name__ == "__main__":
    with patch("rooms.wire.extensions", return_value={}):
        manage.main()
