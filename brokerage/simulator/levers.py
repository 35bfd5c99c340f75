"""What the simulated gateway may do wrong: plain switches that the venue consults and tests set."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass
class Levers:
    """Switches of one simulated gateway; all off means a sound gateway. Seconds are simulated."""

    # Connection and account
    accounts: tuple[str, ...] | None = None  # reported other accounts (a live one: wrong login)
    mute_after_handshake: bool = False  # shook hands, named the accounts, then answered nothing
    refuse_api: bool = False  # accepted TCP and never answered the handshake
    server_time_offset_s: float = 0.0  # its clock was this far off
    net_liquidation: float | None = None  # reported this instead of the account's own value
    buying_power: float | None = None  # reported this and refused orders that cost more
    foreign_position: tuple[str, float] | None = None  # held (symbol, quantity) nobody here bought
    no_positions_end: bool = False  # sent positions and never positionEnd
    next_id_goes_back: bool = False  # gave a lower next valid order id after a reconnect
    refuse_reconnect: int | None = None  # refused every connection after the first n
    # Market data
    delayed_data: bool = False  # sent delayed ticks (marketDataType 3, code 10167)
    frozen_quotes: bool = False  # went on sending quotes with old exchange timestamps
    no_bid: bool = False  # sent no bid (price -1, size 0)
    no_ask: bool = False  # sent no ask (price -1, size 0)
    crossed_quotes: bool = False  # sent bid above ask
    snapshot_never_ends: bool = False  # sent the ticks and never tickSnapshotEnd
    swap_symbols: bool = False  # answered with the quote of another symbol
    mute_symbol: str = ""  # sent no data for this symbol
    stream_stops_after_s: float | None = None  # stream fell silent without an error
    stream_slow_s: float | None = None  # stream had gaps of this many seconds
    snapshots_always_fail: bool = False  # answered each snapshot with an error
    market_data_type: int | None = None  # announced this type (1 live 2 frozen 3 delayed 4 both)
    # History
    history_missing_bars: int = 0  # left out this many bars
    history_unsorted: bool = False  # sent bars out of order
    history_mute: bool = False  # never answered historical requests
    history_bad_close: bool = False  # sent a bar whose close is zero
    history_blocks_connection: bool = False  # answered nothing else while history was pending
    # Orders
    no_ack: bool = False  # took the order and said nothing
    ack_delay_s: float = 0.0  # acknowledged late
    no_fill: bool = False  # acknowledged and never filled
    fill_at_most: float | None = None  # gave no more than this from one quote
    fill_above_limit: bool = False  # filled worse than the limit
    double_fill: bool = False  # filled twice the quantity
    no_commission: bool = False  # never sent the commission report
    no_execution: bool = False  # reported Filled without execDetails
    position_lag_s: float = 0.0  # updated the position late
    position_wrong_qty: float = 0.0  # reported a position off by this quantity
    cancel_ignored: bool = False  # ignored the cancel, the order stayed live
    fill_after_cancel: bool = False  # reported a fill after Cancelled
    cancelled_stays_open: bool = False  # said Cancelled and still listed it as open
    sell_never_fills: bool = False  # filled buys only
    disconnect_on_order: bool = False  # closed the socket when an order arrived
    # Rates and contracts
    drop_over_rate: bool = False  # closed the socket above 50 messages a second
    max_rate_error: bool = False  # answered error 100 to every 20th message
    rate_refusals: int = 0  # answered error 100 to so many of the next messages
    unknown_symbol_resolves: bool = False  # gave a contract for a symbol that does not exist
    unknown_symbol_kills: bool = False  # closed the socket after code 200
    no_definition_after_error: bool = False  # gave no contract at all after the first code 200

    def watch(self, told: Callable[[str, object], None]) -> None:
        """Call back with name and value whenever a switch changes from now on."""
        object.__setattr__(self, "_told", told)

    def __setattr__(self, name: str, value: object) -> None:
        changed = getattr(self, name, None) != value
        object.__setattr__(self, name, value)
        if changed and "_told" in vars(self):
            vars(self)["_told"](name, value)
