"""Directories that a client may ask for once: family codes, depth exchanges, news providers."""

from dataclasses import dataclass

from brokerage.tws.messages_client import CLIENT
from brokerage.tws.messages_server import SERVER


@CLIENT.row(80, "")
@dataclass(frozen=True)
class ReqFamilyCodes:
    """The families that the accounts belong to."""


@CLIENT.row(82, "")
@dataclass(frozen=True)
class ReqMktDepthExchanges:
    """Where market depth can be had."""


@CLIENT.row(85, "")
@dataclass(frozen=True)
class ReqNewsProviders:
    """Whose news this login may read."""


@dataclass(frozen=True)
class FamilyCode:
    """An account and its family's code."""

    account: str = ""
    code: str = ""


@SERVER.row(78, "codes*")
@dataclass(frozen=True)
class FamilyCodes:
    """All of them; an account without a family stands with an empty code."""

    codes: tuple[FamilyCode, ...] = ()


@dataclass(frozen=True)
class DepthExchange:
    """An exchange that shows its book; the service is `Deep` or `Deep2`."""

    exchange: str = ""
    sec_type: str = ""
    listing_exchange: str = ""
    service: str = ""
    agg_group: int = 0


@SERVER.row(80, "exchanges*")
@dataclass(frozen=True)
class MktDepthExchanges:
    """All of them."""

    exchanges: tuple[DepthExchange, ...] = ()


@dataclass(frozen=True)
class NewsProvider:
    """A source of news."""

    code: str = ""
    name: str = ""


@SERVER.row(85, "providers*")
@dataclass(frozen=True)
class NewsProviders:
    """All of them."""

    providers: tuple[NewsProvider, ...] = ()
