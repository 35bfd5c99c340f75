"""The schema of the validation configuration, and its form as YAML."""

import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Any, Literal, TypeVar

from pydantic import (
    BeforeValidator,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import AliasEvent, CollectionEndEvent, CollectionStartEvent

from brokerage.bounds import ALL_EXPOSURE, ONE_POSITION, RISK_PER_TRADE, SINGLE_TRADE
from brokerage.resets import overlap
from brokerage.terms import LIVE_PORTS, PAPER_ACCOUNT, PAPER_PORTS
from crucible.ledger import canonical
from validation.config_section import Seconds, Section, Share
from validation.config_thresholds import Thresholds
from validation.reset_windows import DEFAULT, ResetWindows

MAX_BYTES = 64 * 1024
DEEPEST = 8
CREDENTIAL = re.compile(
    r"pass$|pass(word|wd|phrase)|pwd|secret|token|user[_-]?name|^user$|credential"
    r"|(api|private|access)[_-]?key"
)
# The address of a service with a password in it.
PASSWORD_IN_ADDRESS = re.compile(r"://[^/\s:@]*:[^/\s@]+@")
HIDDEN = "an address with a password in it; credentials never belong into the configuration"


@dataclass(frozen=True)
class Problem:
    """What is wrong with one field; line 1 is the first, 0 says that no line is to blame."""

    path: str
    line: int
    message: str

    def __str__(self) -> str:
        where = f"line {self.line}: " if self.line else ""
        return f"{where}{self.path}: {self.message}" if self.path else f"{where}{self.message}"


class ConfigError(ValueError):
    """The configuration can't be taken as it is; `problems` says why, field by field."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("; ".join(str(problem) for problem in problems))
        self.problems = problems


@dataclass(frozen=True)
class Change:
    """One field that differs between two configurations; None where it is missing."""

    path: str
    before: Any
    after: Any


def _expiry_text(value: object) -> object:
    if isinstance(value, date):
        return value.strftime("%Y%m%d")
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _expiry_day(value: str) -> str:
    if value:
        date.fromisoformat(f"{value[:4]}-{value[4:6]}-{value[6:]}")
    return value


Expiry = Annotated[str, BeforeValidator(_expiry_text), Field(pattern=r"^(\d{8})?$")]
Host = Annotated[str, Field(min_length=1, max_length=253, pattern=r"^[A-Za-z0-9.:_-]+$")]
Symbol = Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9.]{0,11}$")]
Dollars = Annotated[float, Field(gt=0, le=10_000_000)]
S = TypeVar("S", bound=Section)
# The client ids that the product itself connects with.
OWN_IDS = range(210, 251)


class Gateway(Section):
    """Where the gateway listens; `client_id` is the bot's own, which the product never uses."""

    host: Host = "127.0.0.1"
    port: Annotated[int, Field(ge=1, le=65535)] = 4002
    client_id: Annotated[int, Field(ge=0, le=999)] = 1
    timeout: Seconds = 30

    @field_validator("port")
    @classmethod
    def _paper_port(cls, port: int, info: ValidationInfo) -> int:
        if port in LIVE_PORTS:
            raise ValueError(f"{port} is a live gateway's port; there is no way to a live account")
        allowed = (info.context or {}).get("ports")
        if allowed is not None and port not in allowed:
            known = ", ".join(str(number) for number in sorted(allowed))
            raise ValueError(f"{port} is not on the list of paper ports ({known})")
        return port

    @field_validator("client_id")
    @classmethod
    def _not_ours(cls, client_id: int) -> int:
        if client_id in OWN_IDS:
            raise ValueError("210 to 250 are the product's own client ids")
        return client_id


class PaperTrading(Section):
    """The paper account that sessions expect; capital in US dollars."""

    account_type: Literal["PAPER"] = "PAPER"
    expected_account: Annotated[str, Field(pattern=rf"^({PAPER_ACCOUNT.pattern})?$")] = ""
    initial_capital: Dollars = 100_000
    min_fraction: Share = 0.95
    max_fraction: Annotated[float, Field(ge=1, le=100)] = 1.2
    max_loss_fraction: Share = 0.01
    documented_positions: list[Symbol] = []


class Validation(Section):
    """How sessions run; durations in seconds."""

    market_hours_required: bool = True
    min_session_duration: Annotated[int, Field(ge=0, le=86_400)] = 7200
    max_retry_attempts: Annotated[int, Field(ge=1, le=3)] = 3
    exponential_backoff_base: Annotated[int, Field(ge=2, le=4)] = 2
    max_failure_share: Annotated[float, Field(ge=0, le=0.5)] = 0.20


class StockContract(Section):
    """A stock to quote."""

    symbol: Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9. ]{0,11}$")] = "SPY"
    sec_type: Literal["STK"] = "STK"
    exchange: Literal["SMART"] = "SMART"
    currency: Literal["USD"] = "USD"


class WeeklyCall(Section):
    """The option that order scenarios trade; its strike is chosen at run time by these rules.

    A fixed `strike` is tried where these rules admit none, and refused in the money.
    `otm_min` and `otm_max` bound the distance of the strike above the spot price as a share of it;
    prices and the cap on the premium of one contract are US dollars.
    """

    symbol: Literal["SPY"] = "SPY"
    sec_type: Literal["OPT"] = "OPT"
    exchange: Literal["SMART"] = "SMART"
    currency: Literal["USD"] = "USD"
    expiry: Annotated[Expiry, BeforeValidator(_expiry_text)] = ""
    right: Literal["CALL"] = "CALL"
    strike: Annotated[float, Field(gt=0, le=100_000)] | None = None
    otm_min: Annotated[float, Field(gt=0, le=0.2)] = 0.02
    otm_max: Annotated[float, Field(gt=0, le=0.2)] = 0.05
    ask_min: Annotated[float, Field(gt=0, le=100)] = 0.10
    ask_max: Annotated[float, Field(gt=0, le=100)] = 5.00
    spread_max: Annotated[float, Field(gt=0, le=5)] = 0.05
    spread_share_max: Share = 0.15
    premium_cap: Annotated[float, Field(gt=0, le=2000)] = 500

    @field_validator("expiry")
    @classmethod
    def _a_day(cls, expiry: str) -> str:
        try:
            return _expiry_day(expiry)
        except ValueError:
            raise ValueError("not a day of the calendar (YYYYMMDD)") from None

    @model_validator(mode="after")
    def _ordered(self) -> "WeeklyCall":
        if self.otm_min >= self.otm_max or self.ask_min >= self.ask_max:
            raise ValueError("otm_min and ask_min must lie below otm_max and ask_max")
        return self


class TestContracts(Section):
    """What the scenarios quote and trade; `companions` are quoted at the same time as the stock."""

    __test__ = False
    spy: StockContract = StockContract()
    spy_weekly_call: WeeklyCall = WeeklyCall()
    companions: Annotated[list[Symbol], Field(min_length=1, max_length=9)] = ["QQQ", "IWM"]


class Limits(Section):
    """What one session's orders may do; shares are of net liquidation, notional is US dollars."""

    max_orders: Annotated[int, Field(ge=1, le=200)] = 30
    max_contracts: Annotated[int, Field(ge=1, le=10)] = 2
    max_shares: Annotated[int, Field(ge=1, le=100)] = 5
    max_notional: Dollars = 5000
    risk_per_trade: Annotated[Share, Field(le=RISK_PER_TRADE)] = RISK_PER_TRADE
    single_trade: Annotated[Share, Field(le=SINGLE_TRADE)] = SINGLE_TRADE
    position: Annotated[Share, Field(le=ONE_POSITION)] = ONE_POSITION
    exposure: Annotated[Share, Field(le=ALL_EXPOSURE)] = ALL_EXPOSURE


class Config(Section):
    """The whole configuration of validation sessions."""

    gateway: Gateway = Gateway()
    paper_trading: PaperTrading = PaperTrading()
    validation: Validation = Validation()
    test_contracts: TestContracts = TestContracts()
    thresholds: Thresholds = Thresholds()
    limits: Limits = Limits()
    reset_windows: ResetWindows = DEFAULT

    def reset_between(self, start: datetime, end: datetime) -> str:
        """Name the reset window that falls between two moments (aware); empty: none."""
        return overlap(start, end, [one.window for one in self.reset_windows])

    def content(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return self.model_dump(mode="json")

    def with_expiry(self, expiry: str) -> "Config":
        """Return a copy that differs in the weekly call's expiry (YYYYMMDD) alone."""
        content = self.content()
        content["test_contracts"]["spy_weekly_call"]["expiry"] = expiry
        return read(content)


def digest(content: Mapping[str, Any]) -> str:
    """Return the SHA-256 of the content's canonical JSON (RFC 8785)."""
    return canonical.digest(canonical.canonical(content))


def read(content: Mapping[str, Any], *, ports: frozenset[int] | None = None) -> Config:
    """Validate JSON values; with `ports` the gateway's must be one of them. Raises ConfigError."""
    if problems := list(_credentials(content, content)):
        raise ConfigError(problems)
    return checked(Config, content, ports)


def parse_yaml(text: str, *, ports: frozenset[int] = PAPER_PORTS) -> Config:
    """Read a configuration from YAML; ConfigError names the field and the line of each problem.

    Anchors and aliases are refused: a few lines of them can stand for gigabytes.
    """
    return checked(Config, sound_tree(text), ports)


def sound_tree(text: str) -> CommentedMap:
    """Return what a YAML text says, without tricks and credentials; raises ConfigError."""
    tree = _tree(text)
    if problems := list(_credentials(tree, tree)):
        raise ConfigError(problems)
    return tree


def to_yaml(config: Config) -> str:
    """Return the configuration as YAML, every field named, always in the same order."""
    out = io.StringIO()
    writer = YAML()
    writer.default_flow_style = False
    writer.dump(config.content(), out)
    return out.getvalue()


def diff(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Change]:
    """Return what differs between two contents, by the path of the field."""
    old, new = dict(_leaves(before)), dict(_leaves(after))
    paths = [*old, *(path for path in new if path not in old)]
    return [
        Change(path, old.get(path), new.get(path))
        for path in paths
        if old.get(path) != new.get(path)
    ]


def _leaves(tree: Mapping[Any, Any], path: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in tree.items():
        here = f"{path}.{key}" if path else str(key)
        if isinstance(value, Mapping):
            yield from _leaves(value, here)
        elif isinstance(value, list) and any(isinstance(one, Mapping) for one in value):
            yield from _leaves(dict(enumerate(value)), here)
        else:
            yield here, value


def _tree(text: str) -> CommentedMap:
    if len(text.encode()) > MAX_BYTES:
        raise ConfigError([Problem("", 0, f"larger than {MAX_BYTES // 1024} KiB")])
    try:
        _refuse_tricks(text)
        tree = YAML(typ="rt", pure=True).load(text)
    except MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 0
        raise ConfigError([Problem("", line, f"not YAML: {error.problem}")]) from None
    except ConfigError:
        raise
    except (YAMLError, ValueError, RecursionError) as error:
        raise ConfigError([Problem("", 0, f"not YAML: {str(error)[:200]}")]) from None
    if not isinstance(tree, CommentedMap):
        raise ConfigError([Problem("", 1, "expected sections such as gateway")])
    return tree


def _refuse_tricks(text: str) -> None:
    """Raise ConfigError for anchors, aliases and deep nesting, before anything is built."""
    depth = 0
    for event in YAML(typ="rt", pure=True).parse(io.StringIO(text)):
        depth += isinstance(event, CollectionStartEvent) - isinstance(event, CollectionEndEvent)
        line = event.start_mark.line + 1
        if isinstance(event, AliasEvent) or getattr(event, "anchor", None):
            raise ConfigError([Problem("", line, "anchors and aliases are not allowed")])
        if depth > DEEPEST:
            raise ConfigError([Problem("", line, f"nested more than {DEEPEST} levels deep")])


def _credentials(root: object, node: object, path: tuple[str | int, ...] = ()) -> Iterator[Problem]:
    items: list[tuple[Any, Any]] = []
    if isinstance(node, Mapping):
        items = list(node.items())
    elif isinstance(node, list):
        items = list(enumerate(node))
    for key, value in items:
        here = (*path, key)
        if isinstance(key, str) and CREDENTIAL.search(key.lower()):
            message = "credentials never belong into the configuration; remove this key"
            yield Problem(_dotted(here), _line(root, here), message)
        elif isinstance(value, str) and PASSWORD_IN_ADDRESS.search(value):
            yield Problem(_dotted(here), _line(root, here), HIDDEN)
        yield from _credentials(root, value, here)


def checked(model: type[S], tree: Mapping[str, Any], ports: frozenset[int] | None = None) -> S:
    """Return a tree as the section that it must be; raises ConfigError."""
    try:
        return model.model_validate(_plain(tree), context={"ports": ports})
    except ValidationError as error:
        problems = [
            Problem(_dotted(found["loc"]), _line(tree, found["loc"]), _message(found))
            for found in error.errors(include_url=False, include_input=False)
        ]
        raise ConfigError(problems) from None


def _message(found: Mapping[str, Any]) -> str:
    if found["type"] == "extra_forbidden":
        return "unknown key"
    return str(found["msg"]).removeprefix("Value error, ")


def _plain(node: Any) -> Any:
    """Return YAML's own types as Python's, so that strict validation knows them."""
    if isinstance(node, Mapping):
        return {str(key): _plain(value) for key, value in node.items()}
    if isinstance(node, list):
        return [_plain(value) for value in node]
    for kind in (bool, int, float, str):
        if isinstance(node, kind):
            return kind(node)
    return node


def _dotted(path: tuple[str | int, ...]) -> str:
    """Return a path in the form `gateway.port`."""
    return ".".join(str(part) for part in path)


def _line(root: object, path: tuple[str | int, ...]) -> int:
    """Return the line of the deepest part of the path that the text has, or 0."""
    line, node = 0, root
    for part in path:
        if isinstance(node, CommentedMap) and part in node:
            line = node.lc.key(part)[0] + 1
        elif isinstance(node, CommentedSeq) and isinstance(part, int) and part < len(node):
            line = node.lc.item(part)[0] + 1
        else:
            break
        node = node[part]
    return line
