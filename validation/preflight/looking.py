"""Look at a gateway before a session: read-only, each reading for itself, nothing raised."""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from typing import TypeVar

from brokerage import gateway
from brokerage.errors import ClientIdInUseError, GatewayError, SafetyViolation
from brokerage.gateway import Desk
from brokerage.terms import LIVE_PORTS, ContractSpec, Target
from brokerage.terms import usable as is_price
from validation.preflight.situation import GatewayLook, Sample

PORT_SECONDS, LIVE_PORT_SECONDS = 2.0, 1.0
HANDSHAKE_SECONDS = 15.0
REQUESTS = 20
SYMBOL = "SPY"
VIX = ContractSpec("VIX", sec_type="IND", exchange="CBOE")
T = TypeVar("T")


async def look(target: Target) -> GatewayLook:
    """Return what is seen of the gateway, in half a minute at most on a healthy network."""
    ms, error = await _open(target.host, target.port, PORT_SECONDS)
    seen = GatewayLook(port_ms=ms, port_error=error, live_ports=await _live_ports(target.host))
    if ms is None:
        return replace(seen, error="The port is not open.")
    connecting = gateway.connect(target, attempts=1, timeout=HANDSHAKE_SECONDS)
    try:
        async with connecting as desk:
            return await _inside(desk, seen)
    except SafetyViolation as violation:
        return replace(seen, unsafe=str(violation))
    except ClientIdInUseError as refused:
        return replace(seen, error=str(refused), ids_in_use=True)
    except (GatewayError, OSError) as refused:
        return replace(seen, error=str(refused))


async def _open(host: str, port: int, seconds: float) -> tuple[float | None, str]:
    """Return how many ms a socket took to open, or None and why it did not."""
    began = time.perf_counter()
    try:
        async with asyncio.timeout(seconds):
            _, writer = await asyncio.open_connection(host, port)
    except TimeoutError:
        return None, f"{host}:{port} did not answer within {seconds:g} s."
    except OSError as error:
        words = os.strerror(error.errno) if error.errno else str(error)
        return None, f"{host}:{port}: {words}."
    took = (time.perf_counter() - began) * 1000
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()
    return took, ""


async def _live_ports(host: str) -> tuple[int, ...]:
    """Return where something listens that could be a live gateway; nothing is ever sent there."""
    ports = sorted(LIVE_PORTS)
    tries = await asyncio.gather(*(_open(host, port, LIVE_PORT_SECONDS) for port in ports))
    return tuple(port for port, (ms, _) in zip(ports, tries, strict=True) if ms is not None)


async def _inside(desk: Desk, seen: GatewayLook) -> GatewayLook:
    """Read over the open connection what the checks want to know."""
    seen = replace(
        seen, connected=True, accounts=tuple(desk.accounts), server_version=desk.server_version,
        client_id=desk.client_id, first_id=gateway.SCENARIO_IDS[0],
    )  # fmt: skip
    samples, lost = await _samples(desk)
    summary = await _try(desk.account_summary)
    held = await _try(desk.positions)
    orders = await _try(desk.open_orders)
    chain = await _try(lambda: desk.chain(SYMBOL))
    seen = replace(
        seen, samples=samples, unanswered=lost,
        net_liquidation=summary.values.get("NetLiquidation") if summary else None,
        positions=None if held is None else tuple(
            (one.symbol, one.quantity) for one in held if one.quantity
        ),
        open_refs=None if orders is None else tuple(order.ref for order in orders),
        expirations=chain.expirations if chain else None,
        strikes=chain.strikes if chain else (),
    )  # fmt: skip
    return await _quoted(desk, await _calm(desk, seen))


async def _samples(desk: Desk) -> tuple[tuple[Sample, ...], int]:
    """Ask for the time a few times; return the answers, and how many did not come."""
    found: list[Sample] = []
    for number in range(1, REQUESTS + 1):
        began = time.time(), time.perf_counter()
        told = await _try(lambda: desk.server_time(5.0))
        if told is None:
            # One that is silent is not asked nineteen times more.
            return tuple(found), number - len(found)
        took = (time.perf_counter() - began[1]) * 1000
        found.append(Sample(began[0] + took / 2000, told.timestamp(), took))
    return tuple(found), 0


async def _quoted(desk: Desk, seen: GatewayLook) -> GatewayLook:
    try:
        quote = await desk.quote(await desk.qualify(ContractSpec(SYMBOL)))
    except (GatewayError, TimeoutError) as error:
        return replace(seen, quote_text=f"No quote of {SYMBOL}: {error}")
    text = f"{SYMBOL} {quote.bid:g} to {quote.ask:g}, {quote.quality.lower()}."
    usable = quote.quality == "OK"
    spot = quote.last if is_price(quote.last) else quote.mid if usable else None
    seen = replace(seen, data_type=quote.data_type, quote_usable=usable, quote_text=text)
    return replace(seen, spot=spot)


async def _calm(desk: Desk, seen: GatewayLook) -> GatewayLook:
    """Read the VIX where the gateway tells it; else a person looks it up."""
    told = await _try(lambda: desk.level(VIX))
    if told is None or not is_price(told.last):
        return seen
    return replace(seen, vix=told.last, vix_type=told.data_type)


async def _try(ask: Callable[[], Awaitable[T]]) -> T | None:
    """Return the answer, or None when the gateway gives none."""
    try:
        return await ask()
    except (GatewayError, TimeoutError, OSError):
        return None
