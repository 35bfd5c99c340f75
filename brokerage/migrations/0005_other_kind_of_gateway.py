from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('brokerage', '0004_order_aim'),
    ]

    operations = [
        migrations.AlterField(
            model_name='endpoint',
            name='last_state',
            field=models.CharField(
                choices=[
                    ('UNKNOWN', 'Not seen lately'),
                    ('CONNECTED', 'Connected'),
                    ('UNREACHABLE', 'Not reachable'),
                    ('SILENT', 'Does not answer'),
                    ('NOT_PAPER', 'Not a paper account'),
                    ('OTHER_KIND', 'Another kind of gateway'),
                ],
                default='UNKNOWN',
                editable=False,
                max_length=12,
            ),
        ),
    ]
