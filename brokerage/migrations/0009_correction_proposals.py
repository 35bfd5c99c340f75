import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('brokerage', '0008_grant_without_endpoint'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name='reconciliationdiff',
            name='proposal',
            field=models.TextField(
                blank=True, help_text='an explanation that waits for its approval'
            ),
        ),
        migrations.AddField(
            model_name='reconciliationdiff',
            name='proposes_row',
            field=models.BooleanField(default=False, help_text="take the broker's value over"),
        ),
        migrations.AddField(
            model_name='reconciliationdiff',
            name='proposed_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name='reconciliationdiff',
            name='proposed_by',
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name='+',
                to=settings.AUTH_USER_MODEL,
            ),
        ),
    ]
