"""Where a session connects to: its endpoint, held to the configuration that was frozen for it."""

from brokerage.models import Endpoint
from brokerage.terms import Target
from validation.configuration import Config, ConfigError, read
from validation.models import Session


def route(session: Session) -> Target:
    """Return what every connection of the session goes by, its clean-up included.

    With a configuration that can't be read it is the endpoint's own: the preflight blocks on it,
    and what an older version of the product left there is cleaned up all the same.
    """
    try:
        config = read(session.config.content)
    except ConfigError:
        return session.endpoint.target()
    return held_to(config, session.endpoint)


def held_to(config: Config, endpoint: Endpoint) -> Target:
    """Return an endpoint's target with the configured account as the only one that will do."""
    return endpoint.target().expecting(config.paper_trading.expected_account)
