"""The deployment validation checklist (T1) as data.

Each line: code, text, evidence (A machine, M person, A+M the machine shows, a person confirms),
blocking (B, W, I), the rule that ticks it, and who may attest it. A line without a rule is
attested; one without roles can't be attested by anybody.
"""

from dataclasses import dataclass

VERSION = 4
SETUP = "Set-up"
EXECUTION = "Automated tests"
MANUAL = "Manual validation"
CLEANUP = "Clean-up"
OPERATOR = ("OP", "QS")
REVIEWER = ("QA", "QS", "OP")
DEVELOPER = ("LD", "OP", "QS")


@dataclass(frozen=True)
class Line:
    """One line of the template."""

    section: str
    code: str
    text: str
    evidence: str
    blocking: str
    rule: str = ""
    roles: tuple[str, ...] = ()
    help: str = ""
    waivable: bool = True


# Nobody may declare these not applicable, or document an exception to them.
SAFETY = frozenset({"1.1.7", "1.1.8", "1.1.9", "1.4.1", "1.4.2"})

S, M, C = SETUP, MANUAL, CLEANUP
LINES = (
    Line(S, "1.1.1", "The gateway runs", "A", "B", "passed:BC-01"),
    Line(S, "1.1.2", "The gateway answers at the endpoint's address", "A", "B", "passed:BC-01"),
    Line(S, "1.1.3", "The gateway was started by hand for this session", "M", "I", "", OPERATOR),
    Line(S, "1.1.4", "The API is enabled in the gateway's settings", "A", "B", "passed:BC-01"),
    Line(S, "1.1.5", "The gateway's Read-Only API setting is off", "A", "B", "orders_accepted"),
    Line(S, "1.1.6", "Auto-restart is off for the session", "M", "W", "", OPERATOR),
    Line(
        S, "1.1.7", "The PAPER label was seen by a person", "M", "B", "", OPERATOR,
        "Look at the gateway's window, or at the broker's portal. For the simulated gateway: at "
        "the SIMULATED label in the header of this page.",
    ),
    Line(
        S, "1.1.8", "The login is the paper user's, not the live one's", "A+M", "B", "paper_proofs",
        OPERATOR, "The machine shows which accounts the gateway reported; confirm that you know "
        "them.",
    ),
    Line(
        S, "1.1.9", "No live account was ever shown, or the run was stopped and begun again",
        "A", "B", "no_live_account",
    ),
    Line(S, "1.1.10", "The paper account's balance suffices", "A", "B", "passed:BC-03"),
    Line(S, "1.1.11", "No positions are left over, or they are documented", "A", "B",
         "passed:BC-04"),
    Line(
        S, "1.1.12", "The account's order history was empty, or its state is known", "M", "B", "",
        OPERATOR, "Read the order history at the broker; note what was there before the session.",
    ),
    Line(S, "1.1.13", "The connection's latency is within its limit", "A", "B", "latency"),
    Line(S, "1.1.14", "The line carries at least 10 Mbit/s", "M", "I", "", OPERATOR),
    Line(
        S, "1.1.15", "The hosts' clocks are synchronised (NTP)", "M", "B", "", OPERATOR,
        "Check on the worker's host, for example with timedatectl.",
    ),
    Line(S, "1.1.16", "No firewall blocks the gateway's port", "A", "B", "passed:BC-01"),
    Line(S, "1.1.17", "The host has resources to spare (CPU under 50 %, memory under 70 %)",
         "M", "W", "", OPERATOR),
    Line(S, "1.1.18", "The validation configuration is present and valid", "A", "B",
         "config_valid"),
    Line(S, "1.1.19", "The port is a paper port, or the simulated gateway's", "A", "B",
         "paper_port"),
    Line(S, "1.1.20", "The weekly option expiry is up to date", "A", "B", "expiry_current"),
    Line(S, "1.1.21", "Time-outs suit a live environment (30 s or more)", "A", "W", "timeouts"),
    Line(
        S, "1.1.22", "Host, port, client id and time-outs agree with the bot's configuration",
        "A+M", "B", "preflight:HP-25B", DEVELOPER, "The preflight compares them once the bot's "
        "file was uploaded, on the page Configuration or by a pipeline. Without it, compare them "
        "yourself.",
    ),
    Line(S, "1.1.23", "The session ran in regular trading hours", "A", "B", "regular_hours"),
    Line(S, "1.1.24", "No major market event falls into the session", "M", "W", "", OPERATOR),
    Line(S, "1.1.25", "The VIX is below 30", "M", "W", "", OPERATOR),
    Line(S, "1.1.26", "The software environment is complete", "A", "B", "environment"),
    Line(
        S, "1.1.27", "The automated tests are green for this version", "A", "B", "tests_green",
        (), "Send the test report of this commit to /api/v1/ci/uploads. Nobody can attest this.",
        waivable=False,
    ),
    Line(S, "1.1.28", "The connection check says connected, paper, ready", "A", "B",
         "passed:BC-01"),
    Line(S, "1.1.29", "The line to the gateway answers quickly", "A", "W", "latency"),
    Line(S, "1.1.30", "Market data subscriptions and permissions are present", "A", "B",
         "passed:MD-01"),
    Line(EXECUTION, "1.2.26", "Every planned scenario passed", "A", "B", "pass_rate",
         waivable=False),
    Line(
        EXECUTION, "1.2.27", "Warnings of the scenarios were reviewed", "A+M", "B", "warnings",
        REVIEWER, "Read the checks that only warn; note what you conclude.",
    ),
    Line(EXECUTION, "1.2.28", "The suite ended within its time", "A", "W", "suite_time"),
    Line(EXECUTION, "1.2.29", "Two hours in regular hours were watched without a critical failure",
         "A", "B", "watched"),
    Line(EXECUTION, "1.2.30", "No scenario was skipped", "A", "B", "no_skips", waivable=False),
    Line(
        M, "1.3.1", "Positions seen at the broker match the test orders", "A+M", "B",
        "positions_traded", OPERATOR, "Compare with the broker's portal, or the order page.",
    ),
    Line(M, "1.3.2", "No test position is open", "A", "B", "flat"),
    Line(
        M, "1.3.3", "All test orders stand in the trade log", "A+M", "B", "orders_logged",
        OPERATOR, "Compare the session's orders with the broker's trade log.",
    ),
    Line(M, "1.3.4", "Every order was filled or cancelled, none is pending", "A", "B",
         "orders_ended"),
    Line(M, "1.3.5", "Every order falls into the session", "A", "B", "orders_in_time"),
    Line(M, "1.3.6", "No order was unexpected, doubled, rejected or left unanswered", "A", "B",
         "orders_expected"),
    Line(
        M, "1.3.7", "The log was reviewed for errors", "A+M", "B", "log_errors", REVIEWER,
        "Read the error lines of the session's log; planned ones are marked.",
    ),
    Line(M, "1.3.8", "The log was reviewed for warnings", "A+M", "W", "log_warnings", REVIEWER),
    Line(M, "1.3.9", "No unplanned disconnection", "A", "B", "no_disconnects"),
    Line(M, "1.3.10", "No pacing violation outside of the rate-limit scenario", "A", "B",
         "no_pacing"),
    Line(M, "1.3.11", "The log is stored with its times", "A", "W", "log_stored"),
    Line(M, "1.3.12", "Average time to fill is recorded and within its limit", "A", "B",
         "fill_time"),
    Line(M, "1.3.13", "Average age of quotes is recorded and within its limit", "A", "B",
         "quote_age"),
    Line(M, "1.3.14", "The gateway was up all the time, planned faults aside", "A", "B",
         "gateway_up"),
    Line(M, "1.3.15", "Average connection latency is within its limit", "A", "B", "latency"),
    Line(M, "1.3.16", "Screenshots or logs of critical steps are kept", "M", "I", "", OPERATOR),
    Line(M, "1.3.17", "Position size and risk per trade stayed within their limits", "A", "B",
         "sizing"),
    Line(C, "1.4.1", "All test positions are closed: the account is flat again", "A", "B", "flat"),
    Line(C, "1.4.2", "All own open orders are cancelled", "A", "B", "flat"),
    Line(C, "1.4.3", "The balance is confirmed, the loss within its limit", "A", "B", "balance"),
    Line(C, "1.4.4", "The test report is kept as text and JUnit XML", "A", "B",
         "results_kept"),
    Line(C, "1.4.5", "Execution logs are kept with their times", "A", "B", "log_stored"),
    Line(C, "1.4.6", "The archive's content agrees with its manifest", "A", "B",
         "archive_sound"),
    Line(C, "1.4.7", "The report is complete: summary and recommendation", "A", "B",
         "report_complete"),
    Line(
        C, "1.4.8", "Known issues are listed with their severity, or as none", "A", "B",
        "issues_listed",
    ),
    Line(C, "1.4.9", "Performance figures are recorded", "A", "B", "figures_recorded"),
    Line(C, "1.4.10", "All connections were released", "A", "B", "connections_released"),
    Line(C, "1.4.11", "No process of the session is left over on the hosts", "M", "W", "",
         OPERATOR),
    Line(C, "1.4.12", "The gateway was stopped, or is kept on purpose", "M", "I", "", OPERATOR),
)  # fmt: skip

# In the order of the whole catalogue, 1.2.1 to 1.2.25, whether a session planned them or not, so
# that an item keeps its code for ever.
SCENARIOS = (
    "BC-01", "BC-02", "BC-03", "BC-04", "BC-05", "BC-06", "MD-01", "MD-02", "MD-03", "MD-04",
    "MD-05", "MD-06", "OE-01", "OE-02", "OE-03", "OE-04", "OE-05", "RS-01", "RS-02", "RS-03",
    "RS-04", "RS-05", "RS-06", "RS-07", "RS-08",
)  # fmt: skip

# What the full template has and this one leaves out, with the reason; printed in each report.
NOT_INCLUDED = {
    "1.4.13": "The board task moves by itself at the submission.",
    "1.5": "Signatures are kept with the sign-off request, not in the checklist.",
}


def lines(planned: dict[str, tuple[str, bool]]) -> list[Line]:
    """Return the template with a line for each planned scenario: id → (title, waivable)."""
    rows = [
        Line(
            EXECUTION, f"1.2.{number}", f"{scenario} {planned[scenario][0]}", "A", "B",
            f"passed:{scenario}", waivable=False,
        )
        for number, scenario in enumerate(SCENARIOS, start=1)
        if scenario in planned
    ]  # fmt: skip
    strangers = [scenario for scenario in planned if scenario not in SCENARIOS]
    rows += [
        Line(
            EXECUTION, f"1.2.{number}", f"{scenario} {planned[scenario][0]}", "A", "B",
            f"passed:{scenario}", waivable=False,
        )
        for number, scenario in enumerate(strangers, start=100)
    ]  # fmt: skip
    return sorted([*LINES, *rows], key=lambda line: [int(part) for part in line.code.split(".")])


def left_out(planned: dict[str, tuple[str, bool]]) -> dict[str, str]:
    """Return what this checklist does not cover, by code."""
    missing = {
        f"1.2.{number}": f"{scenario} was not planned in this session."
        for number, scenario in enumerate(SCENARIOS, start=1)
        if scenario not in planned
    }
    return {**missing, **NOT_INCLUDED}
