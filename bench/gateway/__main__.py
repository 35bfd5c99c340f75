"""Measures and prints a table: `python -m bench.gateway [--quick]`."""

import asyncio
import logging
import platform
import sys
import tempfile
from argparse import ArgumentParser
from collections.abc import Sequence
from pathlib import Path
from statistics import median, quantiles
from typing import NamedTuple

from bench.gateway import connections, orders, ticks

LATENCY_GOAL, THROUGHPUT_GOAL = 1.25, 0.8


class Plan(NamedTuple):
    """How much is measured."""

    rounds: int
    warm_up: int  # orders
    orders: int  # of each kind and round
    seconds: float  # of each round of ticks
    million: int  # ticks of the long stream


FULL, QUICK = Plan(7, 100, 500, 5.0, 1_000_000), Plan(1, 5, 20, 1.0, 20_000)


def percentile(values: Sequence[float], percent: int) -> float:
    """The value that so many per cent do not exceed."""
    return quantiles(values, n=100, method="inclusive")[percent - 1]


def across(rounds: Sequence[Sequence[float]], percent: int) -> float:
    """The median over the rounds of each round's percentile, in milliseconds."""
    return median(percentile(one, percent) for one in rounds) * 1000


def row(name: str, ours: str, floor: str = "", ratio: str = "", goal: str = "") -> str:
    """A line of the table."""
    return f"| {name} | {ours} | {floor} | {ratio} | {goal} |"


def latency(
    name: str, ours: Sequence[Sequence[float]], floor: Sequence[Sequence[float]]
) -> list[str]:
    """p50 and p99 of both, and their ratio."""
    lines = []
    for percent in (50, 99):
        a, b = across(ours, percent), across(floor, percent)
        goal = f"≤ {LATENCY_GOAL} {'met' if a <= LATENCY_GOAL * b else 'NOT MET'}"
        lines.append(row(f"{name}, p{percent}", f"{a:.2f} ms", f"{b:.2f} ms", f"{a / b:.2f}", goal))
    return lines


async def order_rows(folder: Path, plan: Plan) -> list[str]:
    """Round trips and CPU."""
    ours, floor, prepared = await orders.compare(folder, plan.rounds, plan.warm_up, plan.orders)
    cpu = {
        "order placed and cancelled": lambda one: one.cpu_acknowledged,
        "order filled": lambda one: one.cpu_filled,
    }
    lines = latency(
        "order to acknowledgement",
        [one.acknowledged for one in ours],
        [one.acknowledged for one in floor],
    )
    lines += latency("order to fill", [one.filled for one in ours], [one.filled for one in floor])
    for name, cost in cpu.items():
        a, b = (median(map(cost, side)) * 1000 for side in (ours, floor))
        lines.append(row(f"server CPU, {name}", f"{a:.3f} ms", f"{b:.3f} ms", f"{a / b:.1f}"))
    lines.append(row("bytes sent in one round", f"{prepared.size:,}", f"{prepared.size:,}", "1"))
    return lines


async def tick_rows(folder: Path, plan: Plan) -> list[str]:
    """Throughput, CPU and memory."""
    ours, floor = await ticks.compare(folder, plan.rounds, 2.0, plan.seconds)
    a, b = median(ours), median(floor)
    goal = f"≥ {THROUGHPUT_GOAL} {'met' if a >= THROUGHPUT_GOAL * b else 'NOT MET'}"
    stream = await ticks.steady(plan.million)
    pace = f"{stream.ticks / stream.seconds:,.0f}/s"
    grown = f"{stream.memory_before:.0f} → {stream.memory_after:.0f} MiB"
    return [
        row("ticks a second into `ib_async`", f"{a:,.0f}", f"{b:,.0f}", f"{a / b:.2f}", goal),
        row(f"server CPU, one tick (at {pace})", f"{stream.cpu_per_tick * 1e6:.1f} µs"),
        row(f"memory over {stream.ticks:,} ticks", grown),
    ]


async def connection_rows(folder: Path, plan: Plan) -> list[str]:
    """Connecting."""
    ours, floor = await connections.compare(folder, min(plan.rounds, 3))
    a, b = across(ours, 50), across(floor, 50)
    name = f"connecting each of {connections.CLIENTS} clients, p50"
    return [row(name, f"{a:.1f} ms", f"{b:.1f} ms", f"{a / b:.2f}")]


async def main() -> None:
    """Measure and print."""
    parser = ArgumentParser()
    parser.add_argument(
        "--quick", action="store_true", help="a smoke test; its figures say nothing"
    )
    plan = QUICK if parser.parse_args().quick else FULL
    logging.disable(logging.CRITICAL)
    say = sys.stdout.write
    say(f"Python {platform.python_version()}, {plan}\n\n")
    say(f"{row('', 'ours', 'floor', 'ratio', 'goal')}\n|---|---|---|---|---|\n")
    with tempfile.TemporaryDirectory() as name:
        for rows in (order_rows, tick_rows, connection_rows):
            say("".join(f"{line}\n" for line in await rows(Path(name), plan)))
            sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(main())
