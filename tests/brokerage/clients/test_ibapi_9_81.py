"""The client ibapi-9.81 against the simulated gateway, at server version 157."""

from tests.brokerage.clients.layouts import *  # noqa: F403
from tests.brokerage.clients.quotes import *  # noqa: F403
from tests.brokerage.clients.sessions import *  # noqa: F403
from tests.brokerage.clients.streams import *  # noqa: F403
from tests.brokerage.clients.trades import *  # noqa: F403

NAME, VERSION = "ibapi-9.81", 157
