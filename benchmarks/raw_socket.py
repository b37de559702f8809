"""A WebSocket client that costs next to nothing, so that hundreds fit beside what they measure.

It reads frames of a server (RFC 6455) as they arrive, answers pings, and speaks without ceremony.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import struct
import time
import zlib
from collections.abc import Callable

_TEXT, _CLOSE, _PING, _PONG = 0x1, 0x8, 0x9, 0xA
_DEFLATE = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n"
_TAIL = b"\x00\x00\xff\xff"

Heard = Callable[["RawSocket", bytes, float], None]


class RawSocket(asyncio.Protocol):
    """One connection; `heard` gets each text message with the wall clock at its last byte.

    `deflate` offers compression as browsers do.
    """

    def __init__(self, path: str, port: int, heard: Heard, *, deflate: bool = True) -> None:
        self.bytes = 0
        self.closed = False
        self.opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._heard = heard
        self._buffer = bytearray()
        self._inflate = zlib.decompressobj(-15)
        key = base64.b64encode(os.urandom(16)).decode()
        offered = (
            "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n"
            if deflate
            else ""
        )
        self._hello = (
            f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nOrigin: http://127.0.0.1:{port}\r\n"
            "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
            f"Sec-WebSocket-Key: {key}\r\n{offered}\r\n"
        )

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Say hello."""
        self.transport: asyncio.Transport = transport  # type: ignore[assignment]
        self.transport.write(self._hello.encode())

    def connection_lost(self, error: Exception | None) -> None:
        """Remember it."""
        self.closed = True
        if not self.opened.done():
            self.opened.set_exception(ConnectionError("refused"))

    def data_received(self, data: bytes) -> None:
        """Take what is whole."""
        arrived = time.time()
        self.bytes += len(data)
        self._buffer += data
        if not self.opened.done():
            head, found, rest = self._buffer.partition(b"\r\n\r\n")
            if not found:
                return
            if b" 101 " not in head[:16]:
                self.opened.set_exception(ConnectionError(head[:80].decode()))
                self.transport.close()
                return
            self._buffer = rest
            self.opened.set_result(None)
        while (frame := self._frame()) is not None:
            kind, payload = frame
            if kind == _TEXT:
                self._heard(self, payload, arrived)
            elif kind == _PING:
                self._send(_PONG, payload)

    def say(self, message: object) -> None:
        """Send it as JSON."""
        self._send(_TEXT, json.dumps(message).encode())

    def _frame(self) -> tuple[int, bytes] | None:
        buffer = self._buffer
        if len(buffer) < 2:
            return None
        length, at = buffer[1], 2
        if length >= 126:
            size = 2 if length == 126 else 8
            if len(buffer) < 2 + size:
                return None
            length, at = int.from_bytes(buffer[2 : 2 + size]), 2 + size
        if len(buffer) < at + length:
            return None
        payload, compressed, kind = (
            bytes(buffer[at : at + length]),
            buffer[0] & 0x40,
            buffer[0] & 15,
        )
        del buffer[: at + length]
        return kind, self._inflate.decompress(payload + _TAIL) if compressed else payload

    def _send(self, kind: int, payload: bytes) -> None:
        length = len(payload)
        head = (
            bytes([0x80 | kind, 0x80 | length])
            if length < 126
            else (bytes([0x80 | kind, 0xFE]) + struct.pack("!H", length))
        )
        # A mask of zeros leaves the payload as it is.
        self.transport.write(head + bytes(4) + payload)


async def connect(path: str, port: int, heard: Heard, *, deflate: bool = True) -> RawSocket:
    """A connection that is open."""
    loop = asyncio.get_running_loop()
    _, made = await loop.create_connection(
        lambda: RawSocket(path, port, heard, deflate=deflate), "127.0.0.1", port
    )
    await made.opened
    return made
