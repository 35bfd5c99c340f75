"""What working orders keep of an account's margin until they fill or end."""

from brokerage.simulator.orders import Key


class Reserves:
    """Dollars kept for orders; of a one-cancels-all group the largest alone counts."""

    def __init__(self) -> None:
        self._kept: dict[Key, tuple[str, float]] = {}

    def keep(self, key: Key, group: str, amount: float) -> None:
        """Keep so much for an order, instead of what was kept for it before; 0: nothing more."""
        if amount > 0:
            self._kept[key] = group, amount
        else:
            self._kept.pop(key, None)

    def total(self, besides: Key, group: str) -> float:
        """What is kept for all orders besides one and the others of its group."""
        alone, groups = 0.0, dict[str, float]()
        for key, (name, amount) in self._kept.items():
            if key == besides or (group and name == group):
                continue
            if name:
                groups[name] = max(groups.get(name, 0.0), amount)
            else:
                alone += amount
        return alone + sum(groups.values())
