"""The client nautilus-10.30 against the simulated gateway, at server version 178."""

from tests.brokerage.clients.layouts import *  # noqa: F403
from tests.brokerage.clients.quotes import *  # noqa: F403
from tests.brokerage.clients.sessions import *  # noqa: F403
from tests.brokerage.clients.streams import *  # noqa: F403
from tests.brokerage.clients.trades import *  # noqa: F403

NAME, VERSION = "nautilus-10.30", 178
