"""Packages of scenarios: a good one is added as a whole, a faulty one costs nobody else."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client

from crucible.alerts.models import Alert
from validation import packages
from validation.guests import GROUP, Package, welcome
from validation.preflight import health
from validation.scenarios import catalogue
from validation.scenarios.catalogue import Catalogue, Category

EXAMPLE = settings.BASE_DIR / "docs" / "examples" / "bot_scenarios"
GOOD = """
async def shows(trial):
    "It shows something."

def register(scenario):
    for number in (1, 2):
        scenario(id=f"{ID}-0{number}", slug=f"{ID}-slug-{number}", title="A title", category={CATEGORY!r},
                 timeout=10, severity="S-MED")(shows)
"""  # noqa: E501 - the text of a module
Install = Callable[..., None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Install a package: a module and the metadata that names its entry point."""
    catalogue.load()  # of this process, before there is anything to find
    monkeypatch.syspath_prepend(str(tmp_path))

    def put(name: str, source: str, *, points: str = "register") -> None:
        (tmp_path / f"{name}.py").write_text(source)
        info = tmp_path / f"{name}-1.2.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.2\n")
        (info / "entry_points.txt").write_text(f"[{GROUP}]\n{name} = {name}:{points}\n")

    yield put
    for path in tmp_path.glob("*.py"):
        sys.modules.pop(path.stem, None)


def good(prefix: str = "ACME", category: str = "ACME bot") -> str:
    return GOOD.replace("{ID}", prefix).replace("{CATEGORY!r}", repr(category))


def found() -> tuple[Catalogue, tuple[Package, ...]]:
    """What is installed, added to a catalogue of its own."""
    registry = Catalogue()
    return registry, welcome(registry, Catalogue, [one.value for one in Category])


def test_an_installed_package_adds_its_scenarios_under_its_own_category(install: Install) -> None:
    install("acme", good())
    registry, told = found()
    assert told == (Package("acme", "1.2", ("ACME-01", "ACME-02")),)
    assert {one.category for one in registry.all()} == {"ACME bot"}
    assert registry.core() == []


def test_scenarios_of_packages_come_after_our_own(install: Install) -> None:
    install("acme", good())
    registry, _ = found()
    registry.add(catalogue.load().get("RS-08"))
    assert [one.id for one in registry.all()] == ["RS-08", "ACME-01", "ACME-02"]


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("def register(:", "SyntaxError"),
        ("raise SystemExit(3)", "SystemExit"),
        ("def other(scenario): pass", "AttributeError"),
        ("def register(scenario): 1 / 0", "ZeroDivisionError"),
        (good("OE"), "an id is like ACME-01"),
        (good("acme"), "an id is like ACME-01"),
        (good("ACME", "Resilience"), "a category of its own"),
        (good("ACME", " resilience "), "a category of its own"),
        (good("ACME", "x" * 41), "more than 40 characters"),
        (good().replace('"It shows something."', "pass"), "give it a docstring"),
        (good().replace("S-MED", "BAD"), "severity"),
        (good().replace("timeout=10", "timeout=10, trades=['QQQ']"), "does not need ORDERS"),
        (good().replace("timeout=10", "timeout=10, trades='QQQ'"), "a list of symbols"),
        (good().replace("timeout=10", "timeout=10, needs=['ORDERS'], trades=['*']"), "no symbol"),
    ],
)
def test_a_faulty_package_is_left_out_and_told(install: Install, source: str, words: str) -> None:
    install("acme", source)
    install("zeta", good("ZETA", "Zeta bot"))
    registry, told = found()
    assert [one.id for one in registry.all()] == ["ZETA-01", "ZETA-02"]
    assert (told[0].name, words in told[0].error, told[1].error) == ("acme", True, "")


def test_a_package_can_not_pass_for_our_own_by_our_own_decorator(install: Install) -> None:
    ours = [one.id for one in catalogue.load().core()]
    text = good("RS-9", "Resilience").replace("(scenario)", "(_)")
    install("acme", f"from validation.scenarios.catalogue import scenario\n{text}")
    told = welcome(catalogue.registry, Catalogue, [one.value for one in Category])
    assert "no other" in told[0].error
    assert [one.id for one in catalogue.load().core()] == ours


def test_of_two_packages_with_the_same_scenario_the_second_is_left_out(install: Install) -> None:
    install("acme", good())
    install("beta", good(category="Beta bot"))
    _, told = found()
    assert [bool(package.error) for package in told] == [False, True]
    assert "repeats ACME-01" in told[1].error


def test_without_packages_nothing_is_added() -> None:
    assert list(entry_points(group=GROUP)) == []
    assert welcome(Catalogue(), Catalogue, [], found=list[EntryPoint]()) == ()


@pytest.fixture
def one_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    told = (Package("acme", "1.2", error="ZeroDivisionError: division by zero"),)
    monkeypatch.setattr(catalogue, "packages", lambda: told)


@pytest.mark.django_db
@pytest.mark.usefixtures("one_left_out")
def test_a_package_that_is_left_out_raises_an_alert() -> None:
    packages.tell()
    alert = Alert.objects.get(kind="package")
    assert (alert.ref, "division by zero" in alert.text) == ("acme", True)


@pytest.mark.django_db
@pytest.mark.usefixtures("one_left_out")
def test_health_names_it_and_is_not_ill() -> None:
    part = next(part for part in health.parts() if part.name == "package acme")
    assert (part.ok, "division by zero" in part.text) == (None, True)


@pytest.mark.usefixtures("one_left_out")
def test_the_catalogue_s_page_names_it(people: dict[str, User], client: Client) -> None:
    client.force_login(people["op"])
    page = client.get("/catalogue/").content.decode()
    assert "Left out" in page
    assert "division by zero" in page


def test_the_example_passes_its_own_tests() -> None:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist"]
    run = subprocess.run(
        command, cwd=EXAMPLE, capture_output=True, text=True, timeout=150, check=False
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert "2 passed" in run.stdout
