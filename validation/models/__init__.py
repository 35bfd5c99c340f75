"""The models of validation, one file for each aggregate."""

from validation.models.artefact import Artefact, GatewayLog
from validation.models.board import Column, Task, TaskComment, TaskStep
from validation.models.bot_config import BotConfig
from validation.models.checklist import Blocking, Checklist, Item, ItemState
from validation.models.config import ConfigRevision, RevisionState
from validation.models.event_day import EventDay
from validation.models.measuring import LatencySample, MetricPlan, SampleKind
from validation.models.outbox import Outbox
from validation.models.preflight import HealthAttestation, HealthCheck, PreflightRun, Verdict
from validation.models.report import Report
from validation.models.reviewing import (
    Acknowledgement,
    FaultWindow,
    Heartbeat,
    KnownLimitation,
)
from validation.models.run import Attempt, AttemptState, Check, LogLine, Metric
from validation.models.session import (
    CleanupState,
    Involvement,
    LogLevel,
    Session,
    SessionKind,
    SessionState,
)
from validation.models.tag import CodeTag
from validation.models.upload import Upload, UploadState
from validation.models.watching import ConnectionEvent, Finding, LaneState, Phase, Severity

__all__ = [
    "Acknowledgement",
    "Artefact",
    "Attempt",
    "AttemptState",
    "Blocking",
    "BotConfig",
    "Check",
    "Checklist",
    "CleanupState",
    "CodeTag",
    "Column",
    "ConfigRevision",
    "ConnectionEvent",
    "EventDay",
    "FaultWindow",
    "Finding",
    "GatewayLog",
    "HealthAttestation",
    "HealthCheck",
    "Heartbeat",
    "Involvement",
    "Item",
    "ItemState",
    "KnownLimitation",
    "LaneState",
    "LatencySample",
    "LogLevel",
    "LogLine",
    "Metric",
    "MetricPlan",
    "Outbox",
    "Phase",
    "PreflightRun",
    "Report",
    "RevisionState",
    "SampleKind",
    "Session",
    "SessionKind",
    "SessionState",
    "Severity",
    "Task",
    "TaskComment",
    "TaskStep",
    "Upload",
    "UploadState",
    "Verdict",
]
