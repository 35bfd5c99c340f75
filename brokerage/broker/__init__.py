"""The verbs of ib_async that the port is built on; nothing else imports that library."""

from brokerage.broker.heard import Heard
from brokerage.broker.library import CommissionNote, OpenNote, StatusNote
from brokerage.broker.link import Link
from brokerage.broker.stream import Stream

__all__ = ["CommissionNote", "Heard", "Link", "OpenNote", "StatusNote", "Stream"]
