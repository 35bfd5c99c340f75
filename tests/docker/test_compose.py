"""No container engine runs in the tests: hold the files against settings and commands."""

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.conf import settings
from django.core.management import get_commands

ROOT = Path(settings.BASE_DIR)
COMPOSE = yaml.safe_load((ROOT / "docker/compose.yaml").read_text())
SERVICES: dict[str, Any] = COMPOSE["services"]
DOCKERFILE = (ROOT / "docker/Dockerfile").read_text()


def words(service: dict[str, Any]) -> list[str]:
    """The service's command with a shell's own words split."""
    command = service.get("command", [])
    return shlex.split(command[-1]) if command[:2] == ["sh", "-c"] else command


def test_every_part_of_the_product_is_a_service() -> None:
    parts = {"web", "worker-gateway", "worker-default", "beat", "postgres", "redis", "gateway"}
    assert parts <= SERVICES.keys()


def test_every_management_command_exists() -> None:
    called = {
        word
        for service in SERVICES.values()
        for before, word in zip(words(service), words(service)[1:], strict=False)
        if before == "manage.py"
    }
    assert {"migrate", "seed_crucible", "serve_gateway"} <= called <= get_commands().keys()


def test_workers_serve_every_queue_that_tasks_are_routed_to() -> None:
    served = {
        command[command.index("-Q") + 1] for s in SERVICES.values() if "-Q" in (command := words(s))
    }
    routed = {route["queue"] for route in settings.CELERY_TASK_ROUTES.values()}
    assert served == routed | {settings.CELERY_TASK_DEFAULT_QUEUE}


def test_every_variable_is_one_that_the_settings_read() -> None:
    source = (ROOT / "crucible/settings.py").read_text()
    read = set(re.findall(r'env\.\w+\(\s*"(\w+)"', source))
    assert SERVICES["web"]["environment"].keys() <= read


def test_the_endpoint_of_a_new_installation_is_the_gateway_service() -> None:
    known, command = SERVICES["web"]["environment"], words(SERVICES["gateway"])
    assert known["CRUCIBLE_GATEWAY_HOST"] == "gateway"
    assert command[command.index("--port") + 1] == str(settings.DEMO_GATEWAY_PORT)
    assert command[command.index("--speed") + 1] == known["CRUCIBLE_DEMO_SPEED"]


def test_containers_are_never_in_demo_mode() -> None:
    assert SERVICES["web"]["environment"]["CRUCIBLE_DEMO"] == "false"


@pytest.mark.parametrize("name", ["web", "worker-gateway", "worker-default", "beat"])
def test_nothing_starts_before_the_database_is_migrated(name: str) -> None:
    condition = SERVICES[name]["depends_on"]["migrate"]["condition"]
    assert condition == "service_completed_successfully"


def test_the_image_copies_only_what_exists() -> None:
    sources = re.findall(r"^COPY (.+) \S+$", DOCKERFILE, re.MULTILINE)
    missing = [s for line in sources for s in line.split() if not (ROOT / s).exists()]
    assert sources
    assert missing == []
