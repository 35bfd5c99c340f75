import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('brokerage', '0007_observing'),
    ]

    operations = [
        migrations.AlterField(
            model_name='ordergrant',
            name='endpoint',
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name='grants',
                to='brokerage.endpoint',
            ),
        ),
    ]
