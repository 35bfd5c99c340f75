"""The desk that knows the contracts: details, option chains, symbols, price increments."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from brokerage.simulator.expirations import expirations
from brokerage.simulator.listings import OPTION_EXCHANGES, RULES, Listing
from brokerage.simulator.trading_hours import hours_text
from brokerage.simulator.turns import Turns
from brokerage.simulator.venue_floor import Floor, Session
from brokerage.simulator.venue_terms import NO_DEFINITION, find, wire_contract
from brokerage.tws.messages import (
    Contract,
    ContractData,
    ContractDetailsEnd,
    FamilyCode,
    FamilyCodes,
    Increment,
    MarketRule,
    MktDepthExchanges,
    NewsProviders,
    ReqContractDetails,
    ReqFamilyCodes,
    ReqMarketRule,
    ReqMatchingSymbols,
    ReqMktDepthExchanges,
    ReqNewsProviders,
    ReqSecDefOptParams,
    Sample,
    SecDefOptParam,
    SecDefOptParamEnd,
    SymbolSamples,
    TagValue,
)

ROWS = 40  # contracts told in one go: some 10 ms, in which nobody else is served
UNREAL_ID = 999_999_999  # the contract id of what does not exist
NO_RULE = "Error validating request.-'bN' : cause - Market rule is not found"


class DetailsDesk:
    """Answers what is listed."""

    def __init__(self, floor: Floor, turns: Turns) -> None:
        self.floor, self._turns = floor, turns
        self.refused = False
        self.handlers: Mapping[type[Any], Callable[[Session, Any], None]] = {
            ReqContractDetails: self.details,
            ReqSecDefOptParams: self.chain,
            ReqMatchingSymbols: self.matching,
            ReqMarketRule: self.rule,
            ReqFamilyCodes: self.families,
            ReqMktDepthExchanges: lambda session, message: session.send(MktDepthExchanges()),
            ReqNewsProviders: lambda session, message: session.send(NewsProviders()),
        }

    def details(self, session: Session, message: ReqContractDetails) -> None:
        """Every contract that fits, then the end; error 200 if there is none.

        A long list goes on once others have had their turn; the lists of a client do not mix.
        """
        self._turns.take(session, message, self._tell(session, message), lane=self)

    def _tell(self, session: Session, message: ReqContractDetails) -> Iterator[int]:
        """Tell some of the contracts at each step, and the end of it at the last."""
        told = 0
        for number, listings in enumerate(_slices(self._found(message))):
            if number:
                yield number
            for listing in listings:
                session.send(self._data(message.req_id, listing))
                told += 1
        if told:
            session.send(ContractDetailsEnd(message.req_id))
        else:
            self._refuse(session, message.req_id)

    def _found(self, message: ReqContractDetails) -> Iterator[list[Listing]]:
        """What fits, in parts; what does not exist, where a lever makes it up."""
        levers, contract = self.floor.levers, message.contract
        some = False
        if not (levers.no_definition_after_error and self.refused):
            for listings in self._fitting(message):
                some = some or bool(listings)
                yield listings
        if not some and levers.unknown_symbol_resolves:
            yield [Listing(UNREAL_ID, contract.symbol, contract.sec_type)]

    def _fitting(self, message: ReqContractDetails) -> Iterator[list[Listing]]:
        """What bears the security number, if one was given, or fits the description."""
        listings, contract = self.floor.listings, message.contract
        if message.sec_id_type == "ISIN":
            yield listings.with_isin(message.sec_id)
        elif _is_wide(contract):
            for expiry in expirations(listings.expiring_from()):
                if expiry.startswith(contract.expiry):
                    yield find(listings, replace(contract, expiry=expiry))
        else:
            yield find(listings, contract)

    def _refuse(self, session: Session, req_id: int) -> None:
        self.refused = True
        session.error(*NO_DEFINITION, req_id)
        if self.floor.levers.unknown_symbol_kills:
            session.hang_up()

    def chain(self, session: Session, message: ReqSecDefOptParams) -> None:
        """The chain on each of its exchanges; nothing but the end for what has no options."""
        try:
            chain = self.floor.listings.chain(message.symbol)
        except KeyError:
            session.send(SecDefOptParamEnd(message.req_id))
            return
        for exchange in OPTION_EXCHANGES.split(","):
            session.send(
                SecDefOptParam(
                    req_id=message.req_id,
                    exchange=exchange,
                    con_id=chain.under_con_id,
                    trading_class=chain.trading_class,
                    multiplier=chain.multiplier,
                    expirations=tuple(chain.expirations),
                    strikes=tuple(chain.strikes),
                )
            )
        session.send(SecDefOptParamEnd(message.req_id))

    def matching(self, session: Session, message: ReqMatchingSymbols) -> None:
        """Symbols that look like the pattern."""
        samples = tuple(
            Sample(
                con_id=share.con_id,
                symbol=share.symbol,
                sec_type=share.sec_type,
                primary_exchange=share.primary_exchange,
                currency=share.currency,
                derivatives=("OPT",) if share.sec_type == "STK" else (),
                description=share.long_name,
            )
            for share in self.floor.listings.matching(message.pattern)
        )
        session.send(SymbolSamples(message.req_id, samples))

    def rule(self, session: Session, message: ReqMarketRule) -> None:
        """The price increments of a rule; error 321 for one that no listing here has."""
        steps = RULES.get(message.rule_id)
        if steps is None:
            session.error(321, NO_RULE)
            return
        increments = tuple(Increment(edge, step) for edge, step in steps)
        session.send(MarketRule(message.rule_id, increments))

    def families(self, session: Session, message: ReqFamilyCodes) -> None:
        """No account here has a family."""
        session.send(FamilyCodes(tuple(FamilyCode(name) for name in self.floor.names())))

    def _data(self, req_id: int, listing: Listing) -> ContractData:
        """The details of a listing; the hours are those of the coming days."""
        option = listing.sec_type == "OPT"
        exchanges = listing.valid_exchanges
        industry, category, subcategory = listing.business
        return ContractData(
            req_id=req_id,
            contract=wire_contract(listing),
            market_name=listing.trading_class or listing.symbol,
            min_tick=listing.min_tick,
            order_types=listing.order_types,
            valid_exchanges=exchanges,
            under_con_id=listing.under_con_id,
            long_name=listing.long_name,
            contract_month=listing.expiry[:6],
            industry=industry,
            category=category,
            subcategory=subcategory,
            time_zone="US/Eastern",
            trading_hours=self._hours(extended=listing.extended),
            liquid_hours=self._hours(extended=False),
            sec_ids=(TagValue("ISIN", listing.isin),) if listing.isin else (),
            under_symbol=listing.symbol if option else "",
            under_sec_type="STK" if option else "",
            market_rules=",".join([str(listing.rule)] * len(exchanges.split(","))),
            real_expiry=listing.expiry,
            stock_type=listing.stock_type,
            suggested_increment=100.0 if listing.sec_type == "STK" else 1.0,
        )

    def _hours(self, *, extended: bool) -> str:
        market, today = self.floor.market, self.floor.listings.today()
        return hours_text(today, extended=extended, always_open=market.always_open)


def _slices(parts: Iterator[list[Listing]]) -> Iterator[list[Listing]]:
    """Cut each part into slices of at most `ROWS`; an empty part is one."""
    for part in parts:
        for first in range(0, max(len(part), 1), ROWS):
            yield part[first : first + ROWS]


def _is_wide(contract: Contract) -> bool:
    """Whether a description may fit the options of many expirations."""
    named = contract.con_id or contract.local_symbol
    return contract.sec_type == "OPT" and bool(contract.symbol) and not named
