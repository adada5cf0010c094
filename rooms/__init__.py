"""Rooms: a chat that is rendered on the server."""

__version__ = "1.0.0"
