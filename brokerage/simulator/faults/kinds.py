"""Families of messages that faults treat alike, and the texts of the gateway's notices."""

from brokerage.simulator.venue import FARMS
from brokerage.tws import messages as tws

STREAM = (
    tws.TickPrice,
    tws.TickSize,
    tws.TickString,
    tws.TickGeneric,
    tws.TickOptionComputation,
    tws.TickByTick,
    tws.RealTimeBar,
    tws.HistoricalDataUpdate,
)
STREAM_REQUESTS = (
    tws.ReqMktData,
    tws.ReqTickByTick,
    tws.ReqRealTimeBars,
    tws.ReqHistoricalData,
)
DEFINITION_REQUESTS = (tws.ReqContractDetails, tws.ReqSecDefOptParams, tws.ReqMatchingSymbols)
HISTORY_REQUESTS = (tws.ReqHistoricalData, tws.ReqHistoricalTicks, tws.ReqHeadTimestamp)

MARKET_FARM, HISTORY_FARM, DEFINITION_FARM = "usfarm", "ushmds", "secdefnj"
MARKET_OK, HISTORY_OK, DEFINITIONS_OK = FARMS
MARKET_BROKEN = (2103, f"Market data farm connection is broken:{MARKET_FARM}")
HISTORY_BROKEN = (2105, f"HMDS data farm connection is broken:{HISTORY_FARM}")
DEFINITIONS_BROKEN = (2157, f"Sec-def data farm connection is broken:{DEFINITION_FARM}")
LINK_LOST = (1100, "Connectivity between IBKR and Trader Workstation has been lost.")
FARMS_CONNECTED = f"All data farms are connected: {MARKET_FARM}; {HISTORY_FARM}; {DEFINITION_FARM}."
DATA_LOST = (
    1101,
    "Connectivity between IBKR and Trader Workstation has been restored - data lost.",
)
DATA_KEPT = (
    1102,
    "Connectivity between IBKR and Trader Workstation has been restored - data maintained. "
    + FARMS_CONNECTED,
)
PORT_RESET = (
    1300,
    "TWS socket port has been reset and this connection is being dropped. "
    "Please reconnect on the new port - ",
)
SERVER_BROKEN = (
    2110,
    "Connectivity between Trader Workstation and server is broken. "
    "It will be restored automatically.",
)
