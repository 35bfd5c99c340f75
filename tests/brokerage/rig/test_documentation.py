"""What the pages show runs, and does what they say."""

import json
import re
import shlex

import pytest

from brokerage.rig import cli
from brokerage.rig.handles import TwsGateway
from brokerage.rig.plugin.options import OPTIONS
from brokerage.rig.scripts import load
from brokerage.simulator.actions import ACTIONS
from brokerage.simulator.control import Control, ask, asked, understood
from tests.brokerage.rig.documents import ROOT, blocks

pytest_plugins = ["pytester"]

PAGE, README = "docs/gateway.md", "brokerage/simulator/README.md"
PAGES = (PAGE, README)


def files(page: str, name: str) -> list[str]:
    return [block.text for block in blocks(page) if block.name == name]


def texts(page: str, language: str) -> list[str]:
    return [block.text for block in blocks(page) if block.language == language]


def write(project: pytest.Pytester, name: str, text: str) -> None:
    (project.path / name).write_text(text)


def test_the_complete_example_passes(project):
    [example] = files(PAGE, "test_reconnect.py")
    write(project, "test_reconnect.py", example)
    project.runpytest_subprocess().assert_outcomes(passed=1)


def test_the_bot_of_the_readme_buys_twice_and_the_report_shows_why(project):
    write(project, "test_bot.py", files(README, "test_bot.py")[0])
    write(project, "bot.py", files(README, "bot.py")[0])
    result = project.runpytest_subprocess()
    result.assert_outcomes(failed=1)
    [failure, wire] = texts(README, "text")
    told = [*failure.splitlines(), *wire.splitlines()]
    result.stdout.fnmatch_lines([f"*{line.rstrip('…').replace('[', '[[]')}*" for line in told])


def test_the_bot_that_asks_first_passes_the_same_test(project):
    asked = '    assert any(frame.name == "ReqAllOpenOrders" for frame in tws_gateway.transcript)\n'
    write(project, "test_bot.py", files(README, "test_bot.py")[0] + asked)
    write(project, "bot.py", files(README, "bot.py")[1])
    project.runpytest_subprocess().assert_outcomes(passed=1)


def test_the_settings_of_the_page_are_accepted(project):
    [ini] = texts(PAGE, "ini")
    project.makeini(ini)
    marker = next(text for text in texts(PAGE, "python") if text.startswith("@pytest.mark"))
    body = "    assert tws_gateway.gateway.settings.seed == 3\n"
    project.makepyfile(f"import pytest\n{marker}def test_it(tws_gateway):\n{body}")
    project.runpytest_subprocess().assert_outcomes(passed=1)


def test_every_setting_stands_on_the_page():
    page = (ROOT / PAGE).read_text()
    rows = re.findall(r"^\| (`\w+`(?:, `\w+`)*) \| ", page, re.M)
    told = {name for row in rows for name in re.findall(r"\w+", row)}
    assert {option.name for option in OPTIONS} <= told


@pytest.mark.parametrize("page", PAGES)
def test_every_command_of_a_page_is_one(page):
    lines = [line for text in texts(page, "sh") for line in text.splitlines()]
    commands = [line for line in lines if line.startswith("crucible-gateway")]
    for line in commands:
        words = shlex.split(line.split("#")[0].rstrip("& "))
        assert cli.parser().parse_args(words[1:]).run


def test_the_table_of_commands_names_every_option_of_serve(capsys):
    with pytest.raises(SystemExit):
        cli.main(["serve", "--help"])
    options = set(re.findall(r"--[a-z-]+", capsys.readouterr().out)) - {"--help"}
    row = next(line for line in (ROOT / PAGE).read_text().splitlines() if "| `serve`" in line)
    assert set(re.findall(r"--[a-z-]+", row)) == options


def test_the_script_of_the_page_is_one(tmp_path):
    [script] = texts(PAGE, "yaml")
    (tmp_path / "faults.yaml").write_text(script)
    assert len(load(tmp_path / "faults.yaml").steps) == 3


def test_the_control_api_answers_as_the_page_says():
    [shown] = texts(PAGE, "json")
    question, answer = map(json.loads, shown.splitlines())
    with TwsGateway() as gateway:
        control = Control(gateway.gateway)
        gateway.wait(control.start)
        request = understood(json.dumps(question).encode())
        assert request
        result = ask(control.port, request.do, request.name, **request.params)
        assert {"ok": True, "result": result} == answer
        gateway.wait(control.stop)
    assert json.loads(asked(request.do, request.name, request.params)) == question


def test_every_action_stands_on_the_page():
    page = (ROOT / PAGE).read_text()
    assert [name for name in ACTIONS if f"`{name}`" not in page] == []


@pytest.mark.parametrize("page", [*PAGES, "docs/faults.md"])
def test_links_between_the_pages_lead_somewhere(page):
    text = (ROOT / page).read_text()
    for target in re.findall(r"\]\(([^)#]+)\)", text):
        if not target.startswith("https://"):
            assert ((ROOT / page).parent / target).exists(), target
    headings = {re.sub(r"[^\w -]", "", h).lower().replace(" ", "-") for h in heads(text)}
    assert set(re.findall(r"\]\(#([^)]+)\)", text)) <= headings


def heads(text: str) -> list[str]:
    return re.findall(r"^#+ (.*)$", text, re.M)
