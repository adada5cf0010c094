"""The two sockets of a room: JSON for tools, HTML fragments for our page."""
