"""Client ids, message rates and lost connections, as each of the vendor's clients sees them."""

import pytest

from brokerage.simulator.server import Gateway
from brokerage.tws.codec import encode
from brokerage.tws.framing import frame
from brokerage.tws.messages import Error
from tests.brokerage.clients.terms import buys, rests
from tests.brokerage.clients.vendor import Bot

NORMAL_RATE = 50  # messages a simulated second


async def test_a_client_id_in_use_is_refused(bot, driver, gateway):
    twin = driver.bot()
    twin.call("connect", "127.0.0.1", gateway.port, 1)
    await twin.told("error", -1, 326)
    await twin.told("ended")
    bot.call("reqCurrentTime")
    await bot.told("currentTime")
    assert twin.complaints == []


async def test_a_connection_that_is_cut_is_noticed(bot, gateway):
    await gateway.drop_all()
    await bot.told("connectionClosed")


async def test_an_order_survives_its_clients_connection(bot, driver, gateway):
    order_id = await rests(bot)
    await gateway.drop_all()
    await bot.told("connectionClosed")
    again = driver.bot()
    await again.connect(gateway.port)
    assert again.next_id > order_id
    assert (await again.told("openOrder", order_id))[2]["lmtPrice"] == 100
    again.call("cancelOrder", order_id)
    await again.told("orderStatus", order_id, where=lambda _, status, *rest: status == "Cancelled")
    await again.disconnect()


async def test_an_order_id_never_comes_back(bot, driver, gateway):
    order_id = await buys(bot)
    await gateway.drop_all()
    await bot.told("connectionClosed")
    again = driver.bot()
    await again.connect(gateway.port)
    assert again.next_id > order_id
    await again.disconnect()


@pytest.mark.parametrize("size", [4096, 8192])
async def test_what_fills_the_clients_buffer_exactly_is_not_lost(bot, gateway, size):
    (peer,) = gateway.peers()
    empty = len(frame(encode(Error(-1, 2000), peer.connection.version)))
    peer.queue(Error(-1, 2000, "x" * (size - empty)))
    gateway.flush()
    assert len((await bot.told("error", -1, 2000))[2]) == size - empty


def asks(bot: Bot, count: int) -> None:
    """So many messages at once."""
    for _ in range(count):
        bot.call("reqCurrentTime")


async def test_messages_above_the_rate_wait(driver):
    async with Gateway.serve(speed=2) as gateway:
        bot = driver.bot()
        await bot.connect(gateway.port)
        began = gateway.clock.time()
        asks(bot, 3 * NORMAL_RATE)
        await bot.until(lambda: len(bot.all("currentTime")) == 3 * NORMAL_RATE)
        assert gateway.clock.time() - began > 1.5
        assert bot.errors() == []
        await bot.disconnect()


async def test_messages_above_the_rate_are_refused_and_end_the_session(driver):
    async with Gateway.serve(speed=2, reject_over_rate=True) as gateway:
        bot = driver.bot()
        await bot.connect(gateway.port)
        for violation in (1, 2, 3):
            asks(bot, 2 * NORMAL_RATE)
            text = (await bot.told("error", violation, 100))[2]
            assert text.startswith("Max rate of messages per second has been exceeded:max=50 rec=")
        await bot.told("connectionClosed")
        assert len(bot.all("currentTime")) < 6 * NORMAL_RATE
        assert bot.complaints == []
