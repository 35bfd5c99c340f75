"""The bot's configuration beside ours, as the page Configuration shows it."""

from typing import Any

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser

from crucible.roles import has_role
from validation import bot_configs
from validation.bot_file import collides, compare, ours_of
from validation.configuration import read
from validation.forms import BotConfigForm
from validation.models import BotConfig, ConfigRevision


def beside(
    person: AbstractBaseUser | AnonymousUser, active: ConfigRevision | None
) -> dict[str, Any]:
    """The newest upload, each of its values beside ours, and the form for another."""
    newest = BotConfig.newest()
    ours = ours_of(read(active.content)) if active else {}
    return {
        "bot": newest,
        "bot_lines": compare(newest.values, ours) if newest else [],
        "bot_collides": newest is not None and collides(newest.values),
        "bot_form": BotConfigForm(),
        "may_upload_bot": has_role(person, *bot_configs.MAY_UPLOAD),
    }
