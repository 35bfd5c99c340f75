"""Which orders hang together: the members of a one-cancels-all group, a parent's children.

When part of a member fills, the others are cancelled (type 1) or lose the same fraction of what
remains of them (types 2 and 3). Types 1 and 2 hold the others back meanwhile, so that no quote
fills two of them; type 3 does not: its reductions take effect after the quote that caused them.
"""

from brokerage.simulator.orders import Key, SimOrder

CANCEL, REDUCE, REDUCE_LATE = 1, 2, 3
ALL = 1.0  # of what remains
Cut = tuple[SimOrder, float]  # the order, and the fraction that it loses


class Groups:
    """The ties between working orders."""

    def __init__(self) -> None:
        self._groups: dict[tuple[str, str], dict[Key, SimOrder]] = {}
        self._children: dict[Key, dict[Key, SimOrder]] = {}
        self._late: list[Cut] = []

    def add(self, order: SimOrder) -> None:
        """A new order: put it beside its peers and under its parent."""
        if order.oca_group:
            self._groups.setdefault(_name(order), {})[order.key] = order
        if order.parent is not None:
            self._children.setdefault(order.parent, {})[order.key] = order

    def others(self, order: SimOrder) -> list[SimOrder]:
        """The working members of its group besides itself, in the order in which they came."""
        members = self._groups.get(_name(order), {}) if order.oca_group else {}
        return [one for one in members.values() if one is not order and one.working]

    def children(self, parent: Key) -> list[SimOrder]:
        """What is attached to an order and still works."""
        return [child for child in self._children.get(parent, {}).values() if child.working]

    def end(self, order: SimOrder) -> list[SimOrder]:
        """A member has ended: leave its group; its children, which are on their own now."""
        if order.oca_group:
            members = self._groups.get(_name(order), {})
            members.pop(order.key, None)
            if not members:
                self._groups.pop(_name(order), None)
        if order.parent is not None:
            self._children.get(order.parent, {}).pop(order.key, None)
        children = self.children(order.key)
        self._children.pop(order.key, None)
        return children

    def filled(self, order: SimOrder, fraction: float) -> list[Cut]:
        """This fraction of what remained of a member has filled: what the others lose at once."""
        if not order.oca_group:
            return []
        whole = order.oca_type == CANCEL or order.status == "Filled"
        cuts = [(peer, ALL if whole else fraction) for peer in self.others(order)]
        if order.oca_type in {CANCEL, REDUCE}:
            return cuts
        self._late += cuts
        return []

    def late(self) -> list[Cut]:
        """What was put off until after the quote, once."""
        late, self._late = self._late, []
        return late


def _name(order: SimOrder) -> tuple[str, str]:
    return order.account, order.oca_group
