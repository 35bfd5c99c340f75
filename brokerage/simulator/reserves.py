"""What working orders keep of an account until they fill or end: margin, and what they close."""

from dataclasses import dataclass, field

from brokerage.simulator.orders import Key, SimOrder

Series = tuple[int, str]  # contract and side


@dataclass
class _Amounts:
    """Amounts by order; of a one-cancels-all group the largest alone counts."""

    kept: dict[Key, tuple[str, float]] = field(default_factory=dict)

    def keep(self, key: Key, group: str, amount: float) -> None:
        if amount > 0:
            self.kept[key] = group, amount
        else:
            self.kept.pop(key, None)

    def total(self, besides: Key, group: str) -> float:
        if not self.kept:
            return 0.0
        alone, groups = 0.0, dict[str, float]()
        for key, (name, amount) in self.kept.items():
            if key == besides or (group and name == group):
                continue
            if name:
                groups[name] = max(groups.get(name, 0.0), amount)
            else:
                alone += amount
        return alone + sum(groups.values())


class Reserves:
    """Dollars kept for orders that open a position, and quantities for those that close one."""

    def __init__(self) -> None:
        self._dollars = _Amounts()
        self._closing: dict[Series, _Amounts] = {}

    def keep(self, order: SimOrder, dollars: float, closing: float) -> None:
        """Keep so much for an order, instead of what was kept for it before; 0: nothing more."""
        self._dollars.keep(order.key, order.oca_group, dollars)
        series = self._closing.setdefault((order.con_id, order.side), _Amounts())
        series.keep(order.key, order.oca_group, closing)

    def total(self, besides: Key, group: str) -> float:
        """Dollars kept for all orders besides one and the others of its group."""
        return self._dollars.total(besides, group)

    def closing(self, order: SimOrder) -> float:
        """How much of its position other orders on its side are going to close."""
        series = self._closing.get((order.con_id, order.side))
        return series.total(order.key, order.oca_group) if series else 0.0
