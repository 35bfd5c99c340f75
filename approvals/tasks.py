"""What the scheduler asks of approvals."""

from celery import shared_task

from approvals import reminders


@shared_task(name="approvals.tasks.remind", ignore_result=True)
def remind() -> None:
    """Remind of deadlines; beat runs it every five minutes."""
    reminders.remind()
