"""What sockets are made to do that asyncio has no word for."""

import contextlib
import socket
import struct
from asyncio import WriteTransport

AT_ONCE = struct.pack("ii", 1, 0)  # linger, for no seconds


def reset(transport: WriteTransport) -> None:
    """Close a connection with RST; what was not sent is lost."""
    sock = transport.get_extra_info("socket")
    with contextlib.suppress(OSError):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, AT_ONCE)
    transport.abort()
