"""Faults of the TCP connection and the handshake."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from brokerage.simulator.faults.fault import Fault, Incident

if TYPE_CHECKING:
    from brokerage.simulator.server import Peer


@dataclass
class PortOpenApiMute(Fault):
    """The port accepts connections and the API behind it never answers a handshake.

    In the incident the gateway's sockets piled up in CLOSE_WAIT; clients that were connected
    before went on. Only a restart of the container helped.
    """

    incidents: ClassVar = (
        Incident("gnzsnz/ib-gateway-docker", 336, "port 4001 accepts, no nextValidId"),
        Incident("erdewit/ib_insync", 386, "TimeoutError although the port is open"),
    )
    signal: ClassVar = "No answer to the handshake: an open port proves nothing, a handshake does."

    def bytes_in(self, peer: "Peer", data: bytes) -> bytes:
        """Whoever has not started its API is not read."""
        return data if peer.session else b""
