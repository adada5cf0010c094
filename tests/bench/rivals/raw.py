"""The limit: epoll, and one `send` for each socket. `python -m tests.bench.rivals.raw PORT`.

No asyncio, no protocol but what a browser would understand, no thought of slow readers: what a
socket does not take at once is sent again until it does.
"""

import base64
import contextlib
import hashlib
import json
import select
import socket
import struct
import sys

from tests.services.ports import HOST

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


def main() -> None:
    """Serve until stopped."""
    listening = socket.create_server((HOST, int(sys.argv[1])), backlog=2048)
    poll = select.epoll()
    poll.register(listening, select.EPOLLIN)
    sockets: dict[int, socket.socket] = {}
    readers: dict[int, socket.socket] = {}
    while True:
        for number, _ in poll.poll():
            if number == listening.fileno():
                taken, _ = listening.accept()
                taken.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                sockets[taken.fileno()] = taken
                poll.register(taken, select.EPOLLIN)
                continue
            data = _read(sockets[number])
            if not data:
                poll.unregister(number)
                readers.pop(number, None)
                sockets.pop(number).close()
            elif number not in readers:
                readers[number] = sockets[number]
                sockets[number].sendall(_welcome(data))
                sockets[number].setblocking(False)
            else:
                _hand_on(data, list(readers.values()))


def _read(taken: socket.socket) -> bytes:
    try:
        return taken.recv(65536)
    except OSError:
        return b""


def _welcome(request: bytes) -> bytes:
    lines = request.split(b"\r\n")
    key = next(line[19:] for line in lines if line.lower().startswith(b"sec-websocket-key: "))
    accept = base64.b64encode(hashlib.sha1(key + _GUID).digest())
    head = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    return head + b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n"


def _hand_on(data: bytes, readers: list[socket.socket]) -> None:
    while data:
        text, data = _first(data)
        payload = json.dumps({"message": json.loads(text)["message"]}).encode()
        frame = b"\x81\x7e" + struct.pack("!H", len(payload)) + payload
        for reader in readers:
            try:
                sent = reader.send(frame)
            except BlockingIOError:
                sent = 0
            except OSError:
                continue
            if sent < len(frame):
                _insist(reader, frame[sent:])


def _insist(reader: socket.socket, rest: bytes) -> None:
    reader.setblocking(True)
    with contextlib.suppress(OSError):
        reader.sendall(rest)
    reader.setblocking(False)


def _first(data: bytes) -> tuple[bytes, bytes]:
    """Return the text of the first frame, unmasked, and what follows it.

    A frame here is never cut: the bench's are short, and each is sent at once.
    """
    size, start = data[1] & 127, 2
    if size == 126:
        size, start = struct.unpack("!H", data[2:4])[0], 4
    mask, text = data[start : start + 4], data[start + 4 : start + 4 + size]
    return bytes(byte ^ mask[i % 4] for i, byte in enumerate(text)), data[start + 4 + size :]


if __name__ == "__main__":
    main()
