"""Read the bot's own runtime configuration, and hold it against ours (SC-25, RP-34). Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from pydantic import ConfigDict, Field
from ruamel.yaml.comments import CommentedMap

from brokerage.terms import place
from validation.config_section import Seconds, Section
from validation.configuration import (
    OWN_IDS,
    Config,
    ConfigError,
    Host,
    Problem,
    checked,
    sound_tree,
)

HOST, PORT, CLIENT_ID = "gateway.host", "gateway.port", "gateway.client_id"
GATEWAY = (HOST, PORT, CLIENT_ID, "gateway.timeout")
NO_GATEWAY = (
    "neither a section gateway with host, port and client_id is there, nor the keys gateway_host, "
    "gateway_port and gateway_client_id: nothing could be compared; upload the file that the bot "
    "itself reads"
)
TWICE = "stands beside the section gateway, so that it is not clear which counts; say it once"


class BotGateway(Section):
    """How the bot reaches its gateway; seconds. Keys of the bot's own beside these are let be."""

    model_config = ConfigDict(extra="ignore")
    host: Host
    port: int = Field(ge=1, le=65535)
    client_id: int = Field(ge=0, le=2**31 - 1)
    timeout: Seconds | None = None


class BotTimeouts(Section):
    """The bot's other time-outs, in seconds, where it names them as our configuration does."""

    model_config = ConfigDict(extra="ignore")
    snapshot_timeout_seconds: Seconds | None = None
    order_fill_timeout_seconds: Seconds | None = None
    cancel_timeout_seconds: Seconds | None = None
    commission_timeout_seconds: Seconds | None = None
    historical_timeout_seconds: Seconds | None = None


class BotFile(Section):
    """What of the bot's file is read."""

    model_config = ConfigDict(extra="ignore")
    gateway: BotGateway
    thresholds: BotTimeouts | None = None


TIMEOUTS = tuple(f"thresholds.{name}" for name in BotTimeouts.model_fields)


@dataclass(frozen=True)
class Compared:
    """One value of the bot's beside ours; `agrees` is None where one of the two is not known."""

    path: str
    theirs: Any
    ours: Any

    @property
    def agrees(self) -> bool | None:
        """Whether the bot has the same."""
        if self.theirs is None or self.ours is None:
            return None
        if self.path == HOST:
            return place(self.theirs) == place(self.ours)
        return bool(self.theirs == self.ours)

    @property
    def text(self) -> str:
        """The bot's value, with ours where it is another one."""
        differs = "" if self.agrees else f" (ours {self.ours_shown})"
        return f"{self.path} {self.theirs_shown}{differs}"

    @property
    def theirs_shown(self) -> str:
        """The bot's value in words."""
        return _shown(self.theirs)

    @property
    def ours_shown(self) -> str:
        """Our value in words."""
        return _shown(self.ours)


def read_bot(text: str) -> dict[str, Any]:
    """Return what the bot's YAML says, by the path that a value has in our configuration.

    Both forms of C-98 are read: `gateway.host` and `gateway_host`. Raises ConfigError, which names
    the place of each problem; a key or an address that looks like a credential is one.
    """
    tree = sound_tree(text)
    found = _flat(tree) if "gateway" not in tree else _nested(tree)
    said = found.model_dump(exclude_none=True)
    return {f"{part}.{name}": value for part, one in said.items() for name, value in one.items()}


def _nested(tree: CommentedMap) -> BotFile:
    if twice := [key for key in map(_flat_key, GATEWAY) if key in tree]:
        raise ConfigError([Problem(key, _line(tree, key), TWICE) for key in twice])
    if not isinstance(tree["gateway"], Mapping):
        told = "expected keys such as host, port and client_id"
        raise ConfigError([Problem("gateway", _line(tree, "gateway"), told)])
    return checked(BotFile, tree)


def _flat(tree: CommentedMap) -> BotFile:
    """Read the flat form; its problems name the keys that the file has."""
    names = {path: _flat_key(path) for path in GATEWAY}
    if not any(key in tree for key in names.values()):
        raise ConfigError([Problem("", 0, NO_GATEWAY)])
    part = {path.partition(".")[2]: tree[key] for path, key in names.items() if key in tree}
    try:
        return checked(BotFile, {**tree, "gateway": part})
    except ConfigError as error:
        raise ConfigError(
            [
                replace(one, path=names[one.path], line=_line(tree, names[one.path]))
                if one.path in names
                else one
                for one in error.problems
            ]
        ) from None


def _flat_key(path: str) -> str:
    return path.replace(".", "_")


def _line(tree: CommentedMap, key: str) -> int:
    return int(tree.lc.key(key)[0]) + 1 if key in tree else 0


def compare(theirs: Mapping[str, Any], ours: Mapping[str, Any]) -> list[Compared]:
    """Return what is to be the same, beside ours; a time-out beyond the first where it is named."""
    paths = [*GATEWAY, *(path for path in TIMEOUTS if path in theirs)]
    return [Compared(path, theirs.get(path), ours.get(path)) for path in paths]


def ours_of(config: Config) -> dict[str, Any]:
    """Return our configuration's values by their paths; it names the bot's client id, too."""
    content = config.content()
    parts = (path.partition(".") for path in (*GATEWAY, *TIMEOUTS))
    return {f"{part}.{name}": content[part][name] for part, _, name in parts}


def collides(theirs: Mapping[str, Any]) -> bool:
    """Say whether the bot connects with a client id of the product's own."""
    return theirs.get(CLIENT_ID) in OWN_IDS


def _shown(value: Any) -> str:
    if value is None:
        return "not named"
    return f"{value:g}" if isinstance(value, float) else str(value)
