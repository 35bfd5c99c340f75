"""Take in the bot's runtime configuration, from a person or a pipeline (RP-34)."""

import hashlib

from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db import transaction

from crucible.ledger.models import Head
from crucible.ledger.record import record
from crucible.roles import Role, has_role
from validation.bot_file import read_bot
from validation.configuration import MAX_BYTES
from validation.models import BotConfig
from validation.uploads import COMMIT, UploadRefused, UploadTooLarge, safe_name

MAY_UPLOAD = (Role.OP, Role.QS, Role.QA, Role.LD, Role.CI)
TOO_LARGE = f"The file is larger than {MAX_BYTES // 1024} KiB. Upload the configuration alone."


def receive(
    by: User, raw: bytes, *, commit: str = "", file_name: str = ""
) -> tuple[BotConfig, bool]:
    """Store a file and return it, and whether it is new; what the newest says already is not.

    Raises PermissionDenied, UploadRefused, UploadTooLarge, and ConfigError for what the file says.
    """
    if not has_role(by, *MAY_UPLOAD):
        raise PermissionDenied("Your role may not upload the bot's configuration.")
    if commit and not COMMIT.fullmatch(commit):
        raise UploadRefused("commit: 7 to 64 hexadecimal digits, in lower case, or none.")
    text = _text(raw)
    row = BotConfig(
        sha256=hashlib.sha256(raw).hexdigest(), file_name=safe_name(file_name), content=text,
        values=read_bot(text), commit=commit, uploaded_by=by,
    )  # fmt: skip
    with transaction.atomic():
        return _store(row)


def _text(raw: bytes) -> str:
    if len(raw) > MAX_BYTES:
        raise UploadTooLarge(TOO_LARGE)
    if not raw.strip():
        raise UploadRefused("The file is empty. Upload the YAML file that the bot reads.")
    try:
        return raw.decode()
    except UnicodeDecodeError:
        told = "The file is not text in UTF-8. Upload the YAML file that the bot reads."
        raise UploadRefused(told) from None


def _store(row: BotConfig) -> tuple[BotConfig, bool]:
    # The ledger's lock lets one in after the other: the same file twice at once is stored once.
    Head.objects.select_for_update().get(pk=1)
    newest = BotConfig.newest()
    if newest is not None and (newest.sha256, newest.commit) == (row.sha256, row.commit):
        return newest, False
    row.save()
    record(
        "bot_config.uploaded", "bot_config", row.pk, actor=row.uploaded_by, sha256=row.sha256,
        file=row.file_name, commit=row.commit, values=row.values,
    )  # fmt: skip
    return row, True
