from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('brokerage', '0005_other_kind_of_gateway'),
    ]

    operations = [
        migrations.AddField(
            model_name='reconciliationrun',
            name='start_funds',
            field=models.JSONField(default=dict, help_text='the account without executions'),
        ),
        migrations.AddField(
            model_name='reconciliationrun',
            name='funds',
            field=models.JSONField(default=list, help_text='cash and realised profit, compared'),
        ),
        migrations.AlterField(
            model_name='reconciliationdiff',
            name='gap',
            field=models.FloatField(default=0, help_text='broker less own record'),
        ),
    ]
