"""Uploads of the bot's configuration: who may, what is kept, and what never is."""

import hashlib

import pytest
from django.core.exceptions import PermissionDenied

from crucible.ledger.models import Entry
from crucible.roles import Role
from tests.conftest import People
from tests.validation.test_bot_file import NESTED, SAID
from validation.bot_configs import MAY_UPLOAD, receive
from validation.configuration import ConfigError
from validation.models import BotConfig
from validation.uploads import UploadRefused, UploadTooLarge

pytestmark = pytest.mark.django_db
RAW = NESTED.encode()


def test_a_file_is_kept_as_it_came_with_who_and_which_commit(people: People) -> None:
    row, new = receive(people.op, RAW, commit="0123abc", file_name="../crucible config.yaml")
    assert new
    assert (row.content, row.sha256) == (NESTED, hashlib.sha256(RAW).hexdigest())
    assert (row.uploaded_by, row.commit) == (people.op, "0123abc")
    assert (row.file_name, row.values) == (".._crucible_config.yaml", SAID)
    entry = Entry.objects.get(kind="bot_config.uploaded")
    assert (entry.actor, entry.details["sha256"]) == (people.op, row.sha256)


def test_the_newest_counts_and_the_same_again_is_not_new(people: People) -> None:
    first, _ = receive(people.ci, RAW)
    assert receive(people.qa, RAW) == (first, False)
    other, _ = receive(people.ci, RAW.replace(b"4002", b"7497"))
    assert BotConfig.newest() == other
    back, new = receive(people.ci, RAW)
    assert new
    assert BotConfig.newest() == back


def test_the_same_file_of_another_commit_is_new(people: People) -> None:
    receive(people.ci, RAW, commit="0123abc")
    assert receive(people.ci, RAW, commit="0123abd")[1]


@pytest.mark.parametrize("role", list(Role))
def test_only_some_roles_upload(people: People, role: Role) -> None:
    person = getattr(people, role.lower())
    if role in MAY_UPLOAD:
        assert receive(person, RAW)[1]
    else:
        with pytest.raises(PermissionDenied):
            receive(person, RAW)
    assert set(MAY_UPLOAD) == {Role.OP, Role.QS, Role.QA, Role.LD, Role.CI}


@pytest.mark.parametrize(
    ("raw", "error", "why"),
    [
        (b"", UploadRefused, "empty"),
        (b" \n", UploadRefused, "empty"),
        (b"\xff\xfe\x00", UploadRefused, "not text in UTF-8"),
        (b"x" * 65_537, UploadTooLarge, "64 KiB"),
        (b"a: \x00", ConfigError, "not YAML"),
        (RAW + b"password: hunter2\n", ConfigError, "line 6: password: credentials"),
        (RAW + b"feed: https://bot:hunter2@example.com\n", ConfigError, "feed: an address"),
    ],
)
def test_what_is_refused_leaves_nothing_behind(
    people: People, raw: bytes, error: type[Exception], why: str
) -> None:
    before = Entry.objects.count()
    with pytest.raises(error, match=why):
        receive(people.op, raw)
    assert not BotConfig.objects.exists()
    assert Entry.objects.count() == before


@pytest.mark.parametrize("commit", ["main", "ABCDEF0", "0123ab", "0" * 65])
def test_a_commit_that_is_none_is_refused(people: People, commit: str) -> None:
    with pytest.raises(UploadRefused, match="commit"):
        receive(people.op, RAW, commit=commit)
