"""Two hours of stability, told by the watch that runs beside the whole session."""

from validation.scenarios.catalogue import MARKET_HOURS, Category, scenario
from validation.scenarios.trial import Trial
from validation.watch import Watch

LOOK_S = 30.0
WHOLE = 1.0


@scenario(
    id="X-02",
    slug="session-watch",
    title="Two hours of stability",
    category=Category.X,
    timeout=9000,
    expected=7200,
    severity="S-HIGH",
    needs=[MARKET_HOURS],
    own_connection=True,
)
async def session_watch(trial: Trial) -> None:
    """The session has been watched for two hours, nothing failed, and the gateway was up.

    The seconds before this procedure count: it waits for what is missing of them, and looks at what
    the watch beside the session has seen. Planned faults count neither as failures nor as outages.
    """
    watch = trial.shared.get("watch")
    if not isinstance(watch, Watch):
        trial.skip("This session is not watched.")
        return
    least = float(trial.config.validation.min_session_duration)
    while watch.content()["regular_s"] < least:
        await trial.clock.sleep(min(least - watch.content()["regular_s"], LOOK_S) + 1.0)
    seen = watch.content()
    lasted = seen["regular_s"] >= least
    trial.check("watched in regular hours", f">= {least:g} s", seen["regular_s"], passed=lasted)
    trial.check("critical failures", 0, seen["failures"])
    trial.check("uptime without planned faults", WHOLE, seen["uptime"])
    trial.measure("watched", seen["watched_s"], "s")
    trial.measure("watched_in_regular_hours", seen["regular_s"], "s")
    trial.measure("planned_outage", seen["planned_outage_s"], "s")
    trial.measure("reconciliations", seen["reconciliations"])
