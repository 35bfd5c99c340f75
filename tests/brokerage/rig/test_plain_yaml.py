"""Files that people write by hand: plain values, and the line of what is wrong."""

from pathlib import Path

import pytest

from brokerage.rig.errors import RefusedError
from brokerage.rig.plain_yaml import Document, read


def parsed(tmp_path: Path, text: str) -> Document:
    file = tmp_path / "script.yaml"
    file.write_bytes(text.encode("utf-8", "surrogateescape"))
    return read(file)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("on", "on"),
        ("yes", "yes"),
        ("true", True),
        ("~", None),
        ("12_000", 12000),
        ("007", "007"),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("1:30", "1:30"),
        ("2026-01-01", "2026-01-01"),
        ("''", ""),
    ],
)
def test_words_stay_words_and_numbers_are_decimal(tmp_path, text, value):
    found = parsed(tmp_path, text).values
    assert (found, type(found)) == (value, type(value))


def test_a_key_called_on_is_a_text(tmp_path):
    assert parsed(tmp_path, "on: half_open_socket\noff: x").values == {
        "on": "half_open_socket",
        "off": "x",
    }


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a: 1\nb: 2\na: 3", ":3: a stands here twice."),
        ("a: [1", ":1: expected"),
        ("- 1\n? [1]\n: 2", ":2:"),
        ("a: &x [1]\nb: *x", ":2: an alias has no place here"),
        ("a: &x [*x]", ":1: an alias has no place here"),
        ("a: !!python/name:os.system", ":1: could not determine a constructor"),
        ("a\n---\nb", ":2: but found another document"),
        ("\x00", "special characters are not allowed"),
        ("\udcff", "is not text in UTF-8"),
        ("[" * 5000, "recursion"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(tmp_path, text, told):
    with pytest.raises(RefusedError) as refused:
        parsed(tmp_path, text)
    assert str(refused.value).startswith(str(tmp_path))
    assert told in str(refused.value)


def test_a_missing_and_a_huge_file_are_refused(tmp_path):
    with pytest.raises(RefusedError, match="cannot be read: No such file"):
        read(tmp_path / "none.yaml")
    with pytest.raises(RefusedError, match="larger than a megabyte"):
        parsed(tmp_path, "#" * 1_000_001)


def test_each_value_knows_its_line_and_else_the_one_around_it(tmp_path):
    document = parsed(tmp_path, "steps:\n  - at: 1\n    on: x\n  - at: 2\n")
    assert document.line(("steps", 0, "on")) == 3
    assert document.line(("steps", 1, "nothing")) == 4
    assert document.line(()) == 1


def test_an_empty_file_is_nothing(tmp_path):
    assert parsed(tmp_path, "# nothing\n").values is None
