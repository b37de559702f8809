"""What a listening socket hands down to each of its connections."""

from __future__ import annotations

import socket

_UNACKNOWLEDGED_MS = 120_000
_UNSENT_BYTES = 1 << 16


def prepare(listening: socket.socket) -> None:
    """Notice a client that is gone without a goodbye, and hold little for one that is slow.

    What is sent and not taken for two minutes ends its connection, also where the server sends no
    pings (gunicorn's). No more than 64 KiB wait in the kernel, so that who reads again after a
    pause is soon with what is newest. Linux alone; elsewhere this does nothing.
    """
    for option, value in (
        ("TCP_USER_TIMEOUT", _UNACKNOWLEDGED_MS),
        ("TCP_NOTSENT_LOWAT", _UNSENT_BYTES),
    ):
        number = getattr(socket, option, None)
        if number is not None and listening.family in (socket.AF_INET, socket.AF_INET6):
            listening.setsockopt(socket.IPPROTO_TCP, number, value)
