"""The desk that knows the contracts: details, option chains, symbols, price increments."""

from collections.abc import Callable, Mapping
from typing import Any

from brokerage.simulator.listings import Listing
from brokerage.simulator.venue_floor import Floor, Session
from brokerage.simulator.venue_terms import NO_DEFINITION, find, wire_contract
from brokerage.tws.messages import (
    ContractData,
    ContractDetailsEnd,
    Increment,
    MarketRule,
    ReqContractDetails,
    ReqMarketRule,
    ReqMatchingSymbols,
    ReqSecDefOptParams,
    Sample,
    SecDefOptParam,
    SecDefOptParamEnd,
    SymbolSamples,
)

CENT_RULE = 26
UNREAL_ID = 999_999_999  # the contract id of what does not exist


class DetailsDesk:
    """Answers what is listed."""

    def __init__(self, floor: Floor) -> None:
        self.floor = floor
        self.refused = False
        self.handlers: Mapping[type[Any], Callable[[Session, Any], None]] = {
            ReqContractDetails: self.details,
            ReqSecDefOptParams: self.chain,
            ReqMatchingSymbols: self.matching,
            ReqMarketRule: self.rule,
        }

    def details(self, session: Session, message: ReqContractDetails) -> None:
        """Every contract that fits, then the end; error 200 if there is none."""
        levers = self.floor.levers
        found = find(self.floor.listings, message.contract)
        if levers.no_definition_after_error and self.refused:
            found = []
        if not found and levers.unknown_symbol_resolves:
            found = [Listing(UNREAL_ID, message.contract.symbol, message.contract.sec_type)]
        if not found:
            self._refuse(session, message.req_id)
            return
        for listing in found:
            session.send(contract_data(message.req_id, listing))
        session.send(ContractDetailsEnd(message.req_id))

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
        for exchange in (chain.exchange, "CBOE"):
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
                derivatives=("OPT",),
                description=share.long_name,
            )
            for share in self.floor.listings.matching(message.pattern)
        )
        session.send(SymbolSamples(message.req_id, samples))

    def rule(self, session: Session, message: ReqMarketRule) -> None:
        """All prices here are multiples of a cent."""
        session.send(MarketRule(message.rule_id, (Increment(0.0, 0.01),)))


def contract_data(req_id: int, listing: Listing) -> ContractData:
    """The details of a listing."""
    option = listing.sec_type == "OPT"
    exchanges = listing.valid_exchanges
    return ContractData(
        req_id=req_id,
        contract=wire_contract(listing),
        market_name=listing.trading_class,
        min_tick=listing.min_tick,
        order_types=listing.order_types,
        valid_exchanges=exchanges,
        under_con_id=listing.under_con_id,
        long_name=listing.long_name,
        contract_month=listing.expiry[:6],
        time_zone="US/Eastern",
        under_symbol=listing.symbol if option else "",
        under_sec_type="STK" if option else "",
        market_rules=",".join([str(CENT_RULE)] * len(exchanges.split(","))),
        real_expiry=listing.expiry,
        stock_type="" if option else "COMMON",
        suggested_increment=1.0 if option else 100.0,
    )
