"""What a client may ask for once: family codes, depth exchanges, news providers, the brand."""

from dataclasses import dataclass

from brokerage.tws.messages_client import CLIENT
from brokerage.tws.messages_server import SERVER

# What answers `ReqUserInfo` where no broker is behind it: the mark of the simulated gateway and of
# a replayed recording. A broker's gateway names the introducing broker that the login belongs to,
# or does not answer (IBKR's TWS API documentation, "White Branding User Info").
SIMULATED_BRAND = "CRUCIBLE-SIMULATED"


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


@CLIENT.row(104, "req_id")
@dataclass(frozen=True)
class ReqUserInfo:
    """Under whose brand the login is; from version 161 on."""

    req_id: int = 0


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


@SERVER.row(107, "req_id brand")
@dataclass(frozen=True)
class UserInfo:
    """The brand; `SIMULATED_BRAND` from what is no broker's gateway."""

    req_id: int = 0
    brand: str = ""
