"""One row for each paper gateway; rows that name one twice stay, marked, and are told."""

import logging

import django.db.models.functions.text
from django.db import migrations, models

logger = logging.getLogger(__name__)


def mark_twins(apps, schema_editor):
    """Mark all but the first row of a gateway (the default one, else the oldest)."""
    first = {}
    rows = apps.get_model("brokerage", "Endpoint").objects.filter(kind="PAPER")
    for row in rows.order_by("-is_default", "pk"):
        gateway = (row.host.lower().replace("localhost", "127.0.0.1"), row.port)
        other = first.setdefault(gateway, row)
        if other is not row:
            row.twin = True
            row.save(update_fields=["twin"])
            logger.warning(
                "Endpoints %s and %s are one paper gateway: only one session at a time runs there. "
                "Give one of them the address of another gateway.", other.name, row.name,
            )


class Migration(migrations.Migration):

    dependencies = [
        ('brokerage', '0011_found_differences'),
    ]

    operations = [
        migrations.AddField(
            model_name='endpoint',
            name='twin',
            field=models.BooleanField(default=False, editable=False),
        ),
        migrations.RunPython(mark_twins, migrations.RunPython.noop),
        migrations.AddConstraint(
            model_name='endpoint',
            constraint=models.UniqueConstraint(django.db.models.functions.text.Replace(django.db.models.functions.text.Lower('host'), models.Value('localhost'), models.Value('127.0.0.1')), models.F('port'), condition=models.Q(('kind', 'PAPER'), ('twin', False)), name='one_endpoint_of_a_paper_gateway'),
        ),
    ]
