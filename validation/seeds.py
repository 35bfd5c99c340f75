"""What a new installation starts with: roles, tasks, a configuration, an endpoint."""

from django.conf import settings
from django.contrib.auth.models import Group
from django.db import transaction
from django.utils import timezone

from brokerage.calendar import ET, next_weekly_expiry
from brokerage.models import Endpoint
from crucible.ledger.record import record
from crucible.roles import Role
from validation.configuration import Config, digest
from validation.models import Column, ConfigRevision, KnownLimitation, RevisionState, Task

# The milestone's tasks; a green test report moves the first seven to DONE.
TASKS = (
    ("1.1.1", "Broker connection and reconnect", Column.IN_PROGRESS, False),
    ("1.1.2", "Contract qualification and option chains", Column.IN_PROGRESS, False),
    ("1.1.3", "Quotes, streams and historical data", Column.IN_PROGRESS, False),
    ("1.1.4", "Order submission and tracking", Column.IN_PROGRESS, False),
    ("1.1.5", "Positions and account values", Column.IN_PROGRESS, False),
    ("1.1.6", "Error translation and pacing", Column.IN_PROGRESS, False),
    ("1.1.7", "Integration tests with a simulated gateway", Column.IN_PROGRESS, False),
    ("1.1.8", "Live validation suite", Column.READY, True),
    ("2.1", "Strategy base classes", Column.BACKLOG, False),
)


# What paper trading can't show (decisions C-16, C-17, C-19); printed in every report.
LIMITATIONS = (
    ("L-01", "Paper orders fill from the top of the book: no queue, no depth, no assignment."),
    ("L-02", "Acknowledgement to fill is the paper engine's behaviour, not the market's."),
    ("L-03", "Stops are simulated, and option orders in penny increments may not fill."),
    ("L-04", "Buying power is finite: a paper account enforces margin."),
    ("L-05", "The gateway may answer a request for the time without asking the broker."),
)


@transaction.atomic
def plant() -> list[str]:
    """Create what is missing and return what was created; what exists stays as it is."""
    made = [*_roles(), *_tasks(), *_endpoint(), *_config(), *_limitations()]
    if made:
        record("product.seeded", "product", "crucible", actor="system", created=made)
    return made


def _limitations() -> list[str]:
    made = []
    for position, (code, text) in enumerate(LIMITATIONS, start=1):
        defaults = {"text": text, "position": position}
        if KnownLimitation.objects.get_or_create(code=code, defaults=defaults)[1]:
            made.append(f"limitation {code}")
    return made


def _roles() -> list[str]:
    return [f"role {role}" for role in Role if Group.objects.get_or_create(name=role.value)[1]]


def _tasks() -> list[str]:
    made = []
    for position, (code, title, column, signed_off) in enumerate(TASKS):
        defaults = {
            "title": title, "column": column, "position": position, "signed_off": signed_off,
        }  # fmt: skip
        task, new = Task.objects.get_or_create(code=code, defaults=defaults)
        if new:
            made.append(f"task {code}")
            task.depends_on.set(Task.objects.filter(position__lt=position, code__lt=code))
    return made


def _endpoint() -> list[str]:
    if Endpoint.objects.filter(is_default=True).exists():
        return []
    endpoint = Endpoint.objects.create(
        name="Simulated gateway",
        host=settings.DEMO_GATEWAY_HOST,
        port=settings.DEMO_GATEWAY_PORT,
        kind=Endpoint.Kind.SIMULATED,
        speed=settings.DEMO_SPEED,
        always_open=True,
        is_default=True,
    )
    return [f"endpoint {endpoint.name}"]


def _config() -> list[str]:
    if ConfigRevision.objects.exists():
        return []
    expiry = next_weekly_expiry(timezone.now().astimezone(ET).date())
    content = Config().with_expiry(f"{expiry:%Y%m%d}").content()
    ConfigRevision.objects.create(
        number=1,
        state=RevisionState.ACTIVE,
        content=content,
        digest=digest(content),
        note="The figures that the product comes with",
        origin="seed",
        activated_at=timezone.now(),
    )
    return ["configuration revision 1"]
