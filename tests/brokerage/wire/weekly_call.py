"""A stranger's script: ib_async alone buys a weekly SPY call and sells it again.

Run as `python weekly_call.py PORT`; prints what it sees and exits with 0 when it is flat.
"""

import sys

from ib_async import IB, LimitOrder, Option, Stock


def main(port: int) -> None:
    """Snapshot, buy, fill, commission, position, sell, flat."""
    ib = IB()
    ib.connect("127.0.0.1", port, clientId=11)
    spy = Stock("SPY", "SMART", "USD")
    ib.qualifyContracts(spy)
    [quote] = ib.reqTickers(spy)
    say("SPY", quote.bid, quote.ask, quote.last)

    chain = next(c for c in ib.reqSecDefOptParams("SPY", "", "STK", spy.conId))
    strike = min(s for s in chain.strikes if s > quote.last * 1.03)
    call = Option("SPY", chain.expirations[1], strike, "C", "SMART")
    ib.qualifyContracts(call)

    bought = trade(ib, call, "BUY")
    report = bought.fills[0].commissionReport
    say("bought", bought.fills[0].execution.price, "commission", report.commission)
    held = {position.contract.conId: position.position for position in ib.positions()}
    assert held == {call.conId: 1.0}, held

    sold = trade(ib, call, "SELL")
    say("sold", sold.fills[0].execution.price)
    assert ib.positions() == [], ib.positions()
    say("flat")
    ib.disconnect()


def say(*words):
    """One line of the script's story."""
    sys.stdout.write(" ".join(map(str, words)) + "\n")


def trade(ib, contract, side):
    """Cross the spread with one contract and wait for fill and commission."""
    [quote] = ib.reqTickers(contract)
    price = quote.ask + 0.05 if side == "BUY" else max(quote.bid - 0.05, 0.01)
    trade = ib.placeOrder(contract, LimitOrder(side, 1, round(price, 2), tif="DAY"))
    for _ in range(500):
        if trade.fills and trade.fills[-1].commissionReport.execId and not_moving(ib, trade):
            return trade
        ib.sleep(0.02)
    raise TimeoutError(f"{side} did not fill: {trade.orderStatus}")


def not_moving(ib, trade):
    """Whether the position has followed the fill."""
    held = sum(position.position for position in ib.positions())
    return trade.isDone() and held == (1 if trade.order.action == "BUY" else 0)


if __name__ == "__main__":
    main(int(sys.argv[1]))
