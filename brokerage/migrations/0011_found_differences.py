from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('brokerage', '0010_grant_symbols'),
    ]

    operations = [
        migrations.AddField(
            model_name='reconciliationrun',
            name='found',
            field=models.JSONField(
                default=list, help_text='keys of the differences that it found'
            ),
        ),
    ]
