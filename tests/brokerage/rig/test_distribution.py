"""What another project gets from `pip install .`: the gateway, and nothing of Crucible."""

import signal
import subprocess
import sys
import sysconfig
import zipfile
from email.message import Message
from email.parser import Parser
from pathlib import Path

import pytest

from brokerage.simulator.faults.catalogue import CATALOGUE
from tests.brokerage.rig.conftest import ANNOUNCED
from tests.brokerage.rig.documents import ROOT, blocks

PACKAGES = ("tws", "simulator", "relay", "rig")
OURS = {"approvals", "crucible", "validation"}
# Starts like a console script in an environment that has the wheel and lacks what is blocked.
ALONE = """
import sys
from importlib.metadata import entry_points

class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {blocked!r}:
            raise ImportError(name + " is blocked")

sys.meta_path.insert(0, Blocked())
sys.path[:0] = [{target!r}]
sys.path.append({site!r})
import brokerage
assert brokerage.__file__.startswith({target!r}), brokerage.__file__
"""
COMMAND = """
[script] = entry_points(group="console_scripts", name="crucible-gateway")
sys.exit(script.load()())
"""
TESTS = """
import pytest
sys.exit(pytest.main())
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("wheel")
    pip("wheel", "--no-build-isolation", "--wheel-dir", str(directory), str(ROOT))
    [wheel] = directory.glob("*.whl")
    return wheel


@pytest.fixture(scope="module")
def target(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("installed")
    pip("install", "--target", str(directory), str(wheel))
    return directory


def pip(command: str, *arguments: str) -> None:
    options = ["--quiet", "--disable-pip-version-check", "--no-index", "--no-deps"]
    whole = [sys.executable, "-m", "pip", command, *options, *arguments]
    done = subprocess.run(whole, capture_output=True, text=True, timeout=150, check=False)
    assert done.returncode == 0, done.stderr


def alone(target: Path, what: str, *arguments: str, blocked: set[str]) -> list[str]:
    """A Python that has the wheel and the libraries, and neither our root nor what is blocked."""
    site = sysconfig.get_paths()["purelib"]
    code = ALONE.format(blocked=blocked | OURS, target=str(target), site=site) + what
    return [sys.executable, "-I", "-S", "-c", code, *arguments]


def metadata(wheel: Path) -> Message:
    with zipfile.ZipFile(wheel) as archive:
        [name] = [name for name in archive.namelist() if name.endswith("/METADATA")]
        return Parser().parsestr(archive.read(name).decode())


def test_the_wheel_has_the_four_packages_and_nothing_else(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = [name for name in archive.namelist() if ".dist-info/" not in name]
    allowed = tuple(f"brokerage/{package}/" for package in PACKAGES)
    rest = {name for name in names if not name.startswith(allowed)}
    assert rest == {"brokerage/__init__.py", "brokerage/py.typed", "brokerage/patience.py"}
    assert [package for package in allowed if f"{package}__init__.py" not in names] == []


def test_it_needs_numpy_and_yaml_and_for_the_fixture_pytest(wheel):
    about = metadata(wheel)
    needs = sorted(need.lower() for need in about.get_all("Requires-Dist"))
    assert about["Name"] == "crucible-gateway"
    assert [need.partition(">")[0] for need in needs] == ["numpy", "pytest", "pyyaml"]
    assert needs[1].endswith("extra == 'pytest'")


def test_faults_are_listed_without_django_and_ib_async(target, tmp_path):
    command = alone(target, COMMAND, "faults", "list", blocked={"django", "ib_async", "pytest"})
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=150, check=False, cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("signal: ") == len(CATALOGUE)


def test_it_serves_without_django_and_ib_async(target, tmp_path):
    command = alone(
        target, COMMAND, "serve", "--port", "0", blocked={"django", "ib_async", "pytest"}
    )
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, cwd=tmp_path) as process:
        line = process.stdout.readline()
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=60) == 0, process.stderr.read()
    assert ANNOUNCED.fullmatch(line)


def test_the_example_runs_where_there_is_no_crucible(target, tmp_path):
    [example] = [b.text for b in blocks("docs/gateway.md") if b.name == "test_reconnect.py"]
    (tmp_path / "test_reconnect.py").write_text(example)
    (tmp_path / "pytest.ini").write_text("[pytest]\nasyncio_mode = auto\n")
    options = ("-p", "no:django", "-p", "no:cacheprovider", "-W", "default")
    command = alone(target, TESTS, *options, blocked={"django"})
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=150, check=False, cwd=tmp_path
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 passed" in done.stdout
