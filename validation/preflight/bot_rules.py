"""The check of the bot's own configuration against the session's: HP-25B (SC-25, CF-16)."""

from brokerage.terms import LIVE_PORTS
from validation.bot_file import CLIENT_ID, HOST, PORT, Compared, collides, compare, ours_of
from validation.configuration import OWN_IDS, Config
from validation.preflight.judging import Found, V, health, simulated
from validation.preflight.situation import Bot, Situation

ADDRESS = (HOST, PORT)
NOT_ADDRESS = "Host and port are not compared: the gateway is simulated."


@health(
    "HP-25B", "Configuration", "Agrees with the bot's configuration",
    "another client id than ours; the same host, port and time-outs",
    remedy="Upload what the bot runs with on the page Configuration, or correct whichever of the "
    "two is wrong; then check again.",
)  # fmt: skip
def bot_agrees(look: Situation) -> Found:
    """The bot's newest upload names no client id of ours, and our gateway and time-outs."""
    plan = look.plan
    if plan.bot is None and plan.simulated:
        return simulated("No configuration of a bot was uploaded.")
    if plan.bot is None:
        told = "No configuration of the bot was uploaded: nothing could be compared."
        return Found(V.UNKNOWN, told)
    if plan.config is None:
        return Found(V.UNKNOWN, "Our own configuration can't be read.")
    lines = _lines(look, plan.bot, plan.config)
    return Found(_verdict(plan.bot, lines), _words(look, plan.bot, lines))


def _lines(look: Situation, bot: Bot, config: Config) -> list[Compared]:
    """What is compared: the address with that of the session's gateway, unless it is simulated."""
    plan = look.plan
    ours = ours_of(config) | {HOST: plan.host, PORT: plan.port}
    found = compare(bot.values, ours)
    return [one for one in found if not (plan.simulated and one.path in ADDRESS)]


def _verdict(bot: Bot, lines: list[Compared]) -> V:
    differ = {one.path for one in lines if not one.agrees}
    if collides(bot.values) or not differ.isdisjoint(ADDRESS):
        return V.BLOCK
    # On a simulated gateway, too, a bot at a live port is worth a word.
    return V.WARN if differ or bot.values[PORT] in LIVE_PORTS else V.PASS


def _words(look: Situation, bot: Bot, lines: list[Compared]) -> str:
    said = [f"Upload {bot.number}, SHA-256 {bot.sha256}."]
    if collides(bot.values):
        ours = f"{OWN_IDS.start} to {OWN_IDS[-1]}"
        said.append(f"Client id {bot.values[CLIENT_ID]} is one of ours ({ours}).")
    if bot.values[PORT] in LIVE_PORTS:
        said.append(f"{bot.values[PORT]} is a live gateway's port.")
    differ = [one.text for one in lines if not one.agrees]
    agree = [one.text for one in lines if one.agrees]
    said += [
        f"{word}: {', '.join(some)}."
        for word, some in (("Differs", differ), ("Agrees", agree))
        if some
    ]
    return " ".join([*said, NOT_ADDRESS] if look.plan.simulated else said)
