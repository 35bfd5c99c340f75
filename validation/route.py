"""Where a session connects to: its endpoint, held to the configuration that was frozen for it."""

from dataclasses import replace

from brokerage.bounds import Bounds
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
    """Return an endpoint's target with the configured bounds and only the configured account."""
    target = replace(endpoint.target(), bounds=bounds_of(config))
    return target.expecting(config.paper_trading.expected_account)


def bounds_of(config: Config) -> Bounds:
    """Return what the configuration bounds at door and connection."""
    limits, rules = config.limits, config.validation
    return Bounds(
        risk_per_trade=limits.risk_per_trade, single_trade=limits.single_trade,
        position=limits.position, exposure=limits.exposure,
        quote_lives=config.thresholds.quote_freshness_seconds,
        messages_in_a_second=config.thresholds.max_messages_per_second,
        attempts=rules.max_retry_attempts, backoff_base=rules.exponential_backoff_base,
    )  # fmt: skip
