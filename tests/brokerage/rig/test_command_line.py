"""`crucible-gateway` as a person uses it."""

import json
import re
import signal
import socket
from datetime import UTC, datetime
from pathlib import Path

import pytest

from brokerage.relay.recorder import Recorder
from brokerage.relay.relay import Relay
from brokerage.rig import recorder_commands
from brokerage.rig.cli import main, parser
from brokerage.rig.line_words import obey
from brokerage.rig.serving import settings
from brokerage.simulator.control import ask
from brokerage.simulator.faults.catalogue import CATALOGUE
from brokerage.simulator.server import Gateway, Settings

ROOT = Path(__file__).parents[3]
EXAMPLE = ROOT / "docs/examples/faults.yaml"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_serve_says_where_and_ends_cleanly(served, number):
    with served("serve", "--speed", "20") as (process, port):
        socket.create_connection(("127.0.0.1", port)).close()
        process.send_signal(number)
        assert process.wait(timeout=60) == 0
        assert process.stderr.read() == ""


def test_a_taken_port_ends_with_2_and_says_what_to_do(served, capsys):
    with served("serve") as (_, port):
        assert main(["serve", "--port", str(port)]) == 2
    told = capsys.readouterr().err
    assert f"Port {port} on 127.0.0.1 is taken" in told
    assert "choose --port 0" in told


def test_an_address_that_is_not_ours_is_told(capsys):
    assert main(["serve", "--host", "192.0.2.1", "--port", "0"]) == 2
    assert "Nothing can listen on 192.0.2.1:0" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("option", "value", "told"),
    [
        ("--port", "66000", "'66000' is not a port from 0 to 65535"),
        ("--speed", "0.5", "'0.5' is not a speed from 1 to 1000"),
        ("--start", "noon", "'noon' is not a time like 2026-03-03T10:30-05:00"),
        ("--account", "me", "'me' is not an account id like DU1234567"),
        ("--cash", "nan", "'nan' is not an amount from 1"),
        ("--lines", "0", "'0' is not a number from 1"),
    ],
)
def test_an_option_that_makes_no_sense_is_told(capsys, option, value, told):
    with pytest.raises(SystemExit) as ended:
        main(["serve", option, value])
    assert ended.value.code == 2
    assert told in capsys.readouterr().err


def test_the_options_of_serve_set_the_gateway_up(tmp_path):
    words = """serve --seed 3 --speed 20 --start 2026-03-03T15:30 --hours --account DU1000001
        --account DU1000002 --cash 5000 --lines 10 --latency 0.5 --reject-over-rate"""
    options = parser().parse_args([*words.split(), "--state-dir", str(tmp_path)])
    assert Gateway(**settings(options)).settings == Settings(
        seed=3,
        speed=20.0,
        start=datetime(2026, 3, 3, 15, 30, tzinfo=UTC),
        always_open=False,
        accounts=("DU1000001", "DU1000002"),
        cash=5000.0,
        lines=10,
        latency=0.5,
        reject_over_rate=True,
        state_dir=tmp_path,
    )
    assert Gateway(**settings(parser().parse_args(["serve"]))).settings == Settings()


def test_a_transcript_is_written_and_never_overwritten(served, tmp_path, capsys):
    file = tmp_path / "transcript.jsonl"
    with served("serve", "--transcript", str(file)) as (process, _):
        process.terminate()
        process.wait(timeout=60)
    assert json.loads(file.read_text().splitlines()[0])["simulated"]
    assert main(["serve", "--port", "0", "--transcript", str(file)]) == 2
    assert "exists already" in capsys.readouterr().err
    assert main(["serve", "--port", "0", "--transcript", str(tmp_path / "no/file")]) == 2
    assert "No such file" in capsys.readouterr().err


def test_a_state_directory_that_is_a_file_is_refused(tmp_path, capsys):
    file = tmp_path / "state"
    file.write_text("")
    assert main(["serve", "--port", "0", "--state-dir", str(file)]) == 2
    assert str(file) in capsys.readouterr().err


def test_an_account_that_a_state_keeps_for_another_login_is_told(served, tmp_path):
    def serve(account):
        return served("serve", "--state-dir", str(tmp_path), "--account", account)

    with serve("DU1000001") as (process, port):
        started(port)
        process.terminate()
        assert process.stdout.read() == ""
    with serve("DU1000002") as (process, _):
        told = process.stdout.readline()
        assert f"{tmp_path} keeps account DU1000001 too" in told
        assert told.endswith("serve it with --account DU1000001\n")


def started(port: int) -> None:
    """Ask for the account as a client does, so that there is something to be kept."""
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        connection.sendall(b"API\0\0\0\0\tv157..178")
        connection.recv(4096)
        for fields in (b"71\x002\x001\0\0", b"6\x002\x001\0\0"):
            connection.sendall(len(fields).to_bytes(4, "big") + fields)
        while b"AccountReady" not in connection.recv(65536):
            pass


def test_serve_carries_a_script_out(served, tmp_path):
    (tmp_path / "faults.yaml").write_text("- at: 0\n  on: half_open_socket\n")
    with served("serve", "--script", str(tmp_path / "faults.yaml"), "--control-port", "0") as (
        process,
        _,
    ):
        port = int(process.stdout.readline().rpartition(":")[2])
        while not (active := ask(port, "active")):
            pass
        assert active[0]["name"] == "half_open_socket"


def test_faults_are_switched_over_the_control_port(served, capsys):
    with served("serve", "--control-port", "0") as (process, _):
        port = re.search(r"control API on 127\.0\.0\.1:(\d+)", process.stdout.readline())[1]

        def faults(*words: str) -> str:
            assert main(["faults", *words, "--control-port", port]) == 0
            return capsys.readouterr().out

        assert faults("active") == "no fault is on\n"
        on = faults("on", "slow_acknowledgements", "median=3", "symbol=SPY")
        assert on.startswith('slow_acknowledgements symbol="SPY" times=0 median=3.0')
        assert faults("active") == on
        assert faults("off", "slow_acknowledgements") == "slow_acknowledgements is off\n"
        assert faults("off", "slow_acknowledgements") == "slow_acknowledgements was not on\n"
        wrong = ["faults", "on", "slow_acknowledgements", "median=x", "--control-port", port]
        assert main(wrong) == 2
        assert "median must be a number, not 'x'" in capsys.readouterr().err


@pytest.mark.parametrize("param", ["median", "=3", "port=3", "median=[", "do=x"])
def test_a_parameter_that_is_none_is_told(capsys, param):
    with pytest.raises(SystemExit) as ended:
        main(["faults", "on", "slow_acknowledgements", param])
    assert ended.value.code == 2
    assert param.split("=")[-1] in capsys.readouterr().err


def test_without_a_gateway_the_control_commands_say_so(capsys):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        assert main(["faults", "active", "--control-port", str(free.getsockname()[1])]) == 2
    assert "start the gateway with `serve --control-port" in capsys.readouterr().err


def test_the_list_has_every_fault_its_signal_and_its_incident(capsys):
    assert main(["faults", "list"]) == 0
    told = capsys.readouterr().out
    for name, cls in CATALOGUE.items():
        incident = cls.incidents[0]
        assert re.search(rf"^{name}  ", told, re.M)
        assert f"{incident.project}#{incident.number}" in told
    assert told.count("signal: ") == len(CATALOGUE)


def test_the_list_as_json_has_all_that_a_program_needs(capsys):
    assert main(["faults", "list", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert [fault["name"] for fault in listed] == list(CATALOGUE)
    assert {"what", "signal", "parameters", "incidents"} <= set(listed[0])


def test_one_fault_is_shown_in_full_and_a_wrong_name_corrected(capsys):
    assert main(["faults", "show", "half_open_socket"]) == 0
    assert "https://github.com/" in capsys.readouterr().out
    assert main(["faults", "show", "half_open"]) == 2
    assert "did you mean half_open_socket?" in capsys.readouterr().err


def test_the_page_of_faults_is_up_to_date(capsys):
    assert main(["faults", "list", "--markdown"]) == 0
    assert (ROOT / "docs/faults.md").read_text() == capsys.readouterr().out, (
        "run: crucible-gateway faults list --markdown > docs/faults.md"
    )


def test_a_recording_is_made_explained_and_replayed(served, capsys, tmp_path):
    file = tmp_path / "session.rec"
    with served("serve") as (_, gateway):
        relaying = served("relay", f"127.0.0.1:{gateway}", "--record", str(file))
        with relaying as (process, port):
            hello(port)
            process.stdin.write("delay 0.5\nsing\n")
            process.stdin.flush()
            assert process.stdout.readline() == "delay 0.5: done\n"
            assert process.stdout.readline().startswith("There is: delay SECONDS")
            process.terminate()
            assert process.wait(timeout=60) == 0
    assert main(["explain", str(file)]) == 0
    explained = capsys.readouterr().out
    assert "Welcome version 178" in explained
    assert ", redacted" in explained
    assert "delay 0.5 s" in explained
    with served("replay", str(file)) as (process, port):
        assert hello(port)[4:].startswith(b"178\0")


def hello(port: int) -> bytes:
    """Shake hands; the gateway's answer."""
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        connection.sendall(b"API\0\0\0\0\tv157..178")
        return connection.recv(4096)


def test_a_relay_says_that_its_gateway_cannot_be_reached(served):
    with socket.socket() as dead:
        dead.bind(("127.0.0.1", 0))
        gateway = f"127.0.0.1:{dead.getsockname()[1]}"
        with served("relay", gateway) as (process, port):
            socket.create_connection(("127.0.0.1", port)).close()
            told = f"The gateway {gateway} cannot be reached: Connection refused\n"
            assert process.stderr.readline() == told


@pytest.mark.parametrize(
    ("command", "told"),
    [
        (["explain", "{file}"], "cannot be explained"),
        (["replay", "{file}", "--port", "0"], "cannot be replayed"),
        (["relay", "127.0.0.1:1", "--port", "0", "--record", "{file}"], "cannot be written"),
    ],
)
def test_a_file_that_is_of_no_use_is_told(tmp_path, capsys, command, told):
    file = tmp_path / "recording"
    file.write_text("no recording")
    assert main([word.format(file=file) for word in command]) == 2
    assert told in capsys.readouterr().err
    assert file.read_text() == "no recording"


def test_a_recording_that_is_missing_is_told_without_numbers(tmp_path, capsys):
    for command in ("explain", "replay"):
        assert main([command, str(tmp_path / "none")]) == 2
        assert "d: No such file or directory.\n" in capsys.readouterr().err


def test_a_reader_who_has_had_enough_is_no_fault_of_the_recording(monkeypatch, tmp_path):
    def enough(line):
        raise BrokenPipeError

    monkeypatch.setattr(recorder_commands, "explain", lambda *given: ["a line"])
    options = parser().parse_args(["explain", str(tmp_path)])
    with pytest.raises(BrokenPipeError):
        options.run(options, enough)


def test_a_recording_that_broke_off_ends_with_2(monkeypatch, tmp_path, capsys):
    class Broken(Recorder):
        def __exit__(self, *exception: object) -> None:
            super().__exit__(*exception)
            self.failure = OSError("No space left on device")

    async def nothing(*arguments: object) -> None:
        """The relay has been told to stop."""

    monkeypatch.setattr(recorder_commands, "Recorder", Broken)
    monkeypatch.setattr(recorder_commands, "_relay", nothing)
    assert main(["relay", "127.0.0.1:1", "--record", str(tmp_path / "recording")]) == 2
    assert "not complete: No space left on device" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("delay", "There is: delay"),
        ("cut 3", "There is: delay"),
        ("delay 1 2 3", "There is: delay"),
        ("delay soon", "'soon' is not a number of seconds"),
        ("throttle 0", "a throttle must let something pass."),
        (" delay 1 0.5 ", "delay 1 0.5: done"),
        ("half-open", "half-open: done"),
    ],
)
async def test_words_that_spoil_the_line_are_obeyed_or_corrected(line, answer):
    assert (await obey(Relay("127.0.0.1", 1), line)).startswith(answer)
