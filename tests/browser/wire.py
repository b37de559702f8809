"""A wire between browser and server that a test can cut, or make swallow what is sent."""

from __future__ import annotations

import contextlib
import re
import socket
import threading
from typing import Literal

Mode = Literal["whole", "sockets cut", "sockets silent", "all cut"]


class Wire:
    """Listens on `port` and hands on to `server`. Takes `prefix` off paths, as a proxy does."""

    def __init__(self, server: int, prefix: str = "/") -> None:
        self.socket_bytes = 0  # what came from the server over WebSockets
        self._server = server
        self._head = re.compile(rb"^(GET|POST|HEAD) " + prefix.encode())
        self._mode: Mode = "whole"
        self._open: dict[socket.socket, bool] = {}  # each end, and whether it is a WebSocket's
        self._lock = threading.Lock()
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def become(self, mode: Mode) -> None:
        """Change how the wire is. What it held up until now is broken off."""
        was, self._mode = self._mode, mode
        with self._lock:
            for end, is_websocket in self._open.items():
                if mode == "all cut" or (
                    is_websocket and (mode == "sockets cut" or was == "sockets silent")
                ):
                    _break(end)

    def close(self) -> None:
        self.become("all cut")
        _break(self._listening)
        self._listening.close()

    def _accept(self) -> None:
        while True:
            try:
                browser, _ = self._listening.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(browser,), daemon=True).start()

    def _serve(self, browser: socket.socket) -> None:
        with browser:
            first = _received(browser)
            is_websocket = b"upgrade: websocket" in first.lower()
            if not first or self._mode == "all cut":
                return
            if is_websocket and self._mode == "sockets cut":
                return
            with socket.create_connection(("127.0.0.1", self._server)) as server:
                with self._lock:
                    self._open |= {browser: is_websocket, server: is_websocket}
                back = threading.Thread(
                    target=self._carry, args=(server, browser, is_websocket, False), daemon=True
                )
                back.start()
                server.sendall(self._head.sub(rb"\1 /", first))
                self._carry(browser, server, is_websocket, True)
                back.join()
                with self._lock:
                    del self._open[browser], self._open[server]

    def _carry(
        self, source: socket.socket, to: socket.socket, is_websocket: bool, asks: bool
    ) -> None:
        while data := _received(source):
            if is_websocket and self._mode == "sockets silent":
                continue
            if is_websocket and not asks:
                self.socket_bytes += len(data)
            try:
                to.sendall(self._head.sub(rb"\1 /", data) if asks and not is_websocket else data)
            except OSError:
                break
        _break(source)
        _break(to)


def _received(end: socket.socket) -> bytes:
    try:
        return end.recv(1 << 16)
    except OSError:
        return b""


def _break(end: socket.socket) -> None:
    with contextlib.suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
