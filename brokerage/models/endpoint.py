"""Where gateways listen, what was last seen of them, and the proofs that they are paper."""

from datetime import timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models.functions import Lower, Replace
from django.utils import timezone

from brokerage import terms
from crucible.ledger.append_only import AppendOnlyModel
from crucible.live.publish import publish

OBSERVATION_LIVES = timedelta(seconds=60)
# What `terms.place` makes of a host, for the database.
ONE_HOST = Replace(Lower("host"), models.Value("localhost"), models.Value(terms.LOOPBACK))


class Endpoint(models.Model):
    """A place where a gateway listens, simulated or paper; there is no live kind."""

    class Kind(models.TextChoices):
        SIMULATED = terms.SIMULATED, "Simulated gateway"
        PAPER = terms.PAPER, "Paper account"

    class Seen(models.TextChoices):
        UNKNOWN = "UNKNOWN", "Not seen lately"
        CONNECTED = "CONNECTED", "Connected"
        UNREACHABLE = "UNREACHABLE", "Not reachable"
        SILENT = "SILENT", "Does not answer"
        NOT_PAPER = "NOT_PAPER", "Not a paper account"
        OTHER_KIND = "OTHER_KIND", "Another kind of gateway"

    name = models.CharField(max_length=60, unique=True)
    host = models.CharField(max_length=255, default="127.0.0.1")
    port = models.PositiveIntegerField(
        default=4002, validators=[MinValueValidator(1), MaxValueValidator(65535)]
    )
    kind = models.CharField(max_length=10, choices=Kind.choices)
    speed = models.FloatField(default=1.0, validators=[MinValueValidator(1.0)])
    always_open = models.BooleanField(
        default=False, help_text="The simulated market is open at any hour."
    )
    control_port = models.PositiveIntegerField(
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(65535)],
        help_text="Where the faults of a simulated gateway on this machine are switched.",
    )
    expected_account = models.CharField(max_length=20, blank=True)
    is_default = models.BooleanField(default=False)
    # Of two rows from before the rule that a paper gateway has one: all but the first.
    twin = models.BooleanField(default=False, editable=False)
    last_seen_at = models.DateTimeField(null=True, editable=False)
    last_state = models.CharField(
        max_length=12, choices=Seen.choices, default=Seen.UNKNOWN, editable=False
    )
    last_error = models.TextField(blank=True, editable=False)
    server_version = models.PositiveIntegerField(null=True, editable=False)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(
                fields=["is_default"],
                condition=models.Q(is_default=True),
                name="one_default_endpoint",
            ),
            models.CheckConstraint(
                condition=~models.Q(port__in=sorted(terms.LIVE_PORTS)),
                name="endpoint_port_is_not_live",
            ),
            models.CheckConstraint(
                condition=models.Q(kind=terms.SIMULATED)
                | models.Q(port__in=sorted(terms.PAPER_PORTS), speed=1, always_open=False),
                name="paper_endpoint_is_real",
            ),
            models.CheckConstraint(condition=models.Q(speed__gte=1), name="endpoint_speed_from_1"),
            models.CheckConstraint(
                condition=models.Q(kind=terms.SIMULATED) | models.Q(control_port__isnull=True),
                name="faults_are_simulated",
            ),
            models.UniqueConstraint(
                ONE_HOST,
                "port",
                condition=models.Q(kind=terms.PAPER, twin=False),
                name="one_endpoint_of_a_paper_gateway",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.host}:{self.port}, {self.kind})"

    def clean(self) -> None:
        """Refuse live ports, and settings that only a simulated gateway can have."""
        if self.port in terms.LIVE_PORTS:
            raise ValidationError({"port": f"{self.port} is a live port; it is never used."})
        if self.kind == self.Kind.PAPER and self.port not in terms.PAPER_PORTS:
            raise ValidationError({"port": "A paper gateway listens on 4002 or 7497."})
        if self.kind == self.Kind.PAPER and (self.speed != 1 or self.always_open):
            raise ValidationError("Speed and open hours can be set for a simulated gateway only.")
        if self.expected_account and not terms.PAPER_ACCOUNT.fullmatch(self.expected_account):
            raise ValidationError({"expected_account": "Paper accounts are like DU1234567."})
        if self.control_port is not None:
            self._check_control()
        self._check_alone()

    def _check_alone(self) -> None:
        """A paper gateway has one row: what goes by a row then goes by the gateway."""
        others = self.same_gateway().filter(kind=self.Kind.PAPER).exclude(pk=self.pk)
        if self.kind == self.Kind.PAPER and (other := others.first()):
            raise ValidationError({"host": f"{other.name} is this gateway already."})
        self.twin = False

    def _check_control(self) -> None:
        """Faults are switched on this machine, on a simulated gateway, beside its own port."""
        if self.kind != self.Kind.SIMULATED:
            text = "Only a simulated gateway has faults to be switched."
        elif self.host not in terms.THIS_MACHINE:
            text = "Faults are switched on this machine only: the host must be 127.0.0.1."
        elif self.control_port in {self.port} | terms.LIVE_PORTS | terms.PAPER_PORTS:
            text = "This port is one of a gateway, not of its control."
        else:
            return
        raise ValidationError({"control_port": text})

    @classmethod
    def unknown(cls, name: str) -> str:
        """Say that there is none of this name, and which there are."""
        names = ", ".join(cls.objects.values_list("name", flat=True))
        known = (
            f"There are: {names}." if names else "For a new database: `manage.py seed_crucible`."
        )
        return f"There is no endpoint {name}. {known}"

    @property
    def gateway(self) -> str:
        """Its address with one name for this machine: two rows with the same are one gateway."""
        return f"{terms.place(self.host.lower())}:{self.port}"

    def same_gateway(self) -> "models.QuerySet[Endpoint]":
        """Return every endpoint with its address, this one among them once it is stored."""
        host = self.host.lower()
        names = terms.THIS_MACHINE if host in terms.THIS_MACHINE else {host}
        named = type(self).objects.alias(one_case=Lower("host"))
        return named.filter(one_case__in=names, port=self.port)

    @property
    def simulated(self) -> bool:
        """Whether results from here are marked SIMULATED."""
        return self.kind == self.Kind.SIMULATED

    def target(self) -> terms.Target:
        """Return what `gateway.connect` needs to know."""
        return terms.Target(
            name=self.name,
            host=self.host,
            port=self.port,
            kind=self.kind,
            speed=self.speed,
            expected_account=self.expected_account,
            always_open=self.always_open,
            endpoint_id=self.pk,
            control_port=self.control_port if self.simulated else None,
        )

    def move(self, *, port: int, speed: float, control_port: int | None = None) -> None:
        """Point a simulated endpoint at another port; raises ValidationError for a bad one."""
        self.port, self.speed, self.control_port = port, speed, control_port
        self.full_clean()
        self.save(update_fields=["port", "speed", "control_port"])

    def observe(self, state: str, *, error: str = "", server_version: int | None = None) -> None:
        """Note what was just seen of the gateway."""
        seen: dict[str, Any] = {
            "last_seen_at": timezone.now(),
            "last_state": state,
            "last_error": error,
        }
        if server_version is not None:
            seen["server_version"] = server_version
        if state != self.state_now:
            publish("endpoint", "dashboard")
        type(self).objects.filter(pk=self.pk).update(**seen)
        for name, value in seen.items():
            setattr(self, name, value)

    @property
    def state_now(self) -> str:
        """What was last seen, or UNKNOWN when that is more than 60 s ago: never healthy by age."""
        if self.last_seen_at is None or timezone.now() - self.last_seen_at > OBSERVATION_LIVES:
            return self.Seen.UNKNOWN
        return self.last_state

    @property
    def state_label(self) -> str:
        """`state_now` in words."""
        return str(self.Seen(self.state_now).label)


class AccountProof(AppendOnlyModel):
    """One reading of the gateway's accounts and what it proved; append-only."""

    endpoint = models.ForeignKey(
        Endpoint, null=True, on_delete=models.PROTECT, related_name="proofs"
    )
    target = models.CharField(max_length=255)
    at = models.DateTimeField(default=timezone.now)
    accounts = models.JSONField()
    ok = models.BooleanField()
    reason = models.CharField(max_length=255, blank=True)
    server_version = models.PositiveIntegerField(default=0)
    client_id = models.IntegerField(default=0)

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"{'paper' if self.ok else 'NOT PAPER'}: {', '.join(self.accounts)}"
