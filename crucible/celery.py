"""The Celery application: it carries the word that there is work, and nothing else."""

import logging.config
import os
from typing import Any

from celery import Celery
from celery.signals import setup_logging, task_postrun, task_prerun
from django.conf import settings

from crucible.correlation import begin

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "crucible.settings")

app = Celery("crucible")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
ACTORS = {"validation.tasks.execute_session": "worker", "validation.tasks.sweep": "sweeper"}


@setup_logging.connect
def log_like_the_others(**_: Any) -> None:
    """Workers and beat write the same lines as the other processes, in place of Celery's own."""
    logging.config.dictConfig(settings.LOGGING)


@task_prerun.connect
def correlate(task_id: str, task: Any, **_: Any) -> None:
    """Go on under the id that the message brought, or under the task's own."""
    identifier = task.request.get("correlation") or f"task-{task_id}"
    begin(str(identifier), actor=ACTORS.get(task.name, "scheduler"))


@task_postrun.connect
def forget(**_: Any) -> None:
    """What the process does between two tasks belongs to neither."""
    begin("")
