"""A command that finds no usable database says so, and what to do."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from validation import database

ROOT = Path(__file__).parents[2]


def manage(url: str, *words: str) -> subprocess.CompletedProcess[str]:
    """Run a command of manage.py on the database of this address."""
    return subprocess.run(
        [sys.executable, "manage.py", *words], cwd=ROOT, env=os.environ | {"DATABASE_URL": url},
        capture_output=True, text=True, check=False, timeout=150,
    )  # fmt: skip


@pytest.mark.parametrize(("command", "code"), [("run_validation", 2), ("guided_demo", 1)])
def test_a_database_that_was_not_set_up_is_told_with_the_remedy(
    tmp_path: Path, command: str, code: int
) -> None:
    done = manage(f"sqlite:///{tmp_path}/new.sqlite3", command)
    assert done.returncode == code
    assert "migrations are not applied. Run `manage.py migrate`" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_database_that_is_away_is_told_with_the_remedy(tmp_path: Path) -> None:
    done = manage(f"sqlite:///{tmp_path}/away/none.sqlite3", "run_validation")
    assert done.returncode == 2
    assert "The database can't be reached: unable to open database file" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.django_db
def test_a_database_that_was_set_up_is_ready() -> None:
    assert database.unready() == ""
