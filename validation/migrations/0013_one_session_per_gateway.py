from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('validation', '0012_bot_config_and_events'),
    ]

    operations = [
        migrations.AddField(
            model_name='session',
            name='gateway',
            field=models.CharField(blank=True, default='', max_length=300),
            preserve_default=False,
        ),
        migrations.AddConstraint(
            model_name='session',
            constraint=models.UniqueConstraint(condition=models.Q(('state__in', ['PREFLIGHT', 'READY', 'RUNNING', 'PAUSED', 'CLEANUP']), models.Q(('gateway', ''), _negated=True)), fields=('gateway',), name='one_session_per_gateway'),
        ),
    ]
