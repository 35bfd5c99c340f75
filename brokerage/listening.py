"""What a connection tells whoever listens: the gateway's words, its loss, and our own remarks."""

from enum import StrEnum

from brokerage.terms import BrokerMessage


class Remark(StrEnum):
    """What our own side remarks about a connection."""

    GIVEN_UP = "Given up"
    RATE_WAIT = "Rate limit"
    DATA_QUALITY = "Data quality"


class Listener:
    """Hears what happens on a connection; override what you need, and return at once.

    One that is `traced` also hears every message on the wire.
    """

    traced = False

    def holds(self, client_id: int) -> None:
        """The connection stands under this client id."""

    def wire(self, sent: bool, text: str) -> None:
        """A message goes to the gateway, or came from it."""

    def attempt(self, number: int, error: Exception | None, gap: float) -> None:
        """A connection attempt ended; `gap` is the session seconds waited before it."""

    def message(self, message: BrokerMessage) -> None:
        """The gateway reported something."""

    def lost(self, why: str) -> None:
        """The connection, or the gateway's own link to the broker, is gone."""

    def order(self, order_pk: int, kind: str, detail: dict[str, object]) -> None:
        """Something happened to an own order."""

    def remark(self, kind: Remark, text: str) -> None:
        """Our own side did, or saw, what people should know of."""
