"""The part of the configuration that says when a session's figures pass."""

from typing import Annotated

from pydantic import Field, model_validator

from validation.config_section import Seconds, Section, Share

# BC-06, RS-05 and RS-07: a configuration may only be stricter than the specification.
CONNECTION_P95_MS, SESSION_GAP_S = 500, 10
DRIFT_WARN_S, DRIFT_FAIL_S = 1, 2


class Thresholds(Section):
    """Pass limits: seconds unless named otherwise; `strict` blocks what is not shown to pass.

    Those with a bound of the specification can be tightened alone.
    """

    strict: bool = False

    quote_freshness_seconds: Annotated[float, Field(gt=0, le=60)] = 5
    snapshot_timeout_seconds: Seconds = 15
    stream_quality_seconds: Annotated[float, Field(ge=10, le=600)] = 60
    stream_quality_min_quotes: Annotated[int, Field(ge=1, le=10_000)] = 50
    stream_fresh_share: Share = 0.95
    stream_max_gap_seconds: Seconds = 5
    stream_buffer_bound: Annotated[int, Field(ge=10, le=100_000)] = 1000
    order_ack_seconds: Seconds = 5
    order_fill_timeout_seconds: Annotated[float, Field(gt=0, le=300)] = 30
    cancel_timeout_seconds: Seconds = 10
    position_lag_seconds: Seconds = 10
    commission_timeout_seconds: Seconds = 10
    historical_timeout_seconds: Seconds = 30
    server_time_seconds: Seconds = 5
    connection_latency_ms: Annotated[float, Field(gt=0, le=10_000)] = 100
    place_ack_ms: Annotated[float, Field(gt=0, le=10_000)] = 200
    cancel_ack_ms: Annotated[float, Field(gt=0, le=10_000)] = 100
    order_status_ms: Annotated[float, Field(gt=0, le=10_000)] = 50
    latency_delta: Annotated[float, Field(gt=0, le=10)] = 0.5
    min_fill_rate: Annotated[float, Field(gt=0, lt=1)] = 0.98
    max_memory_mb: Annotated[float, Field(gt=0, le=100_000)] = 500
    max_messages_per_second: Annotated[int, Field(ge=1, le=50)] = 50
    connection_p95_ms: Annotated[float, Field(gt=0, le=CONNECTION_P95_MS)] = CONNECTION_P95_MS
    session_max_gap_seconds: Annotated[float, Field(gt=0, le=SESSION_GAP_S)] = SESSION_GAP_S
    clock_drift_warn_seconds: Annotated[float, Field(gt=0, le=DRIFT_WARN_S)] = DRIFT_WARN_S
    clock_drift_fail_seconds: Annotated[float, Field(gt=0, le=DRIFT_FAIL_S)] = DRIFT_FAIL_S
    suite_minutes: Annotated[float, Field(gt=0, le=600)] = 30

    @model_validator(mode="after")
    def _ordered(self) -> "Thresholds":
        # RS-07 tries a clock between the two, and tells a drift to a tenth of a second.
        if self.clock_drift_fail_seconds - self.clock_drift_warn_seconds < 0.5:
            raise ValueError("clock_drift_fail_seconds must be half a second above the warning's")
        return self
