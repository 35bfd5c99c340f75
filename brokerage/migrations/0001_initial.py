"""The tables of brokerage; four of them can only grow."""

import django.core.validators
import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

from crucible.ledger.append_only import triggers


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Execution',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('exec_id', models.CharField(max_length=80, unique=True)),
                ('scope', models.CharField(blank=True, db_index=True, max_length=60)),
                ('ref', models.CharField(blank=True, max_length=80)),
                ('con_id', models.BigIntegerField()),
                ('symbol', models.CharField(max_length=20)),
                ('side', models.CharField(max_length=4)),
                ('quantity', models.FloatField()),
                ('price', models.FloatField()),
                ('at', models.DateTimeField()),
            ],
            options={
                'ordering': ['pk'],
            },
        ),
        migrations.CreateModel(
            name='Endpoint',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=60, unique=True)),
                ('host', models.CharField(default='127.0.0.1', max_length=255)),
                ('port', models.PositiveIntegerField(default=4002, validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(65535)])),
                ('kind', models.CharField(choices=[('SIMULATED', 'Simulated gateway'), ('PAPER', 'Paper account')], max_length=10)),
                ('speed', models.FloatField(default=1.0, validators=[django.core.validators.MinValueValidator(1.0)])),
                ('always_open', models.BooleanField(default=False, help_text='The simulated market is open at any hour.')),
                ('expected_account', models.CharField(blank=True, max_length=20)),
                ('is_default', models.BooleanField(default=False)),
                ('last_seen_at', models.DateTimeField(editable=False, null=True)),
                ('last_state', models.CharField(choices=[('UNKNOWN', 'Not seen lately'), ('CONNECTED', 'Connected'), ('UNREACHABLE', 'Not reachable'), ('SILENT', 'Does not answer'), ('NOT_PAPER', 'Not a paper account')], default='UNKNOWN', editable=False, max_length=12)),
                ('last_error', models.TextField(blank=True, editable=False)),
                ('server_version', models.PositiveIntegerField(editable=False, null=True)),
            ],
            options={
                'ordering': ['name'],
                'constraints': [models.UniqueConstraint(condition=models.Q(('is_default', True)), fields=('is_default',), name='one_default_endpoint'), models.CheckConstraint(condition=models.Q(('port__in', [4001, 7496]), _negated=True), name='endpoint_port_is_not_live'), models.CheckConstraint(condition=models.Q(('kind', 'SIMULATED'), models.Q(('always_open', False), ('port__in', [4002, 7497]), ('speed', 1)), _connector='OR'), name='paper_endpoint_is_real'), models.CheckConstraint(condition=models.Q(('speed__gte', 1)), name='endpoint_speed_from_1')],
            },
        ),
        migrations.CreateModel(
            name='AccountProof',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('target', models.CharField(max_length=255)),
                ('at', models.DateTimeField(default=django.utils.timezone.now)),
                ('accounts', models.JSONField()),
                ('ok', models.BooleanField()),
                ('reason', models.CharField(blank=True, max_length=255)),
                ('server_version', models.PositiveIntegerField(default=0)),
                ('client_id', models.IntegerField(default=0)),
                ('endpoint', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='proofs', to='brokerage.endpoint')),
            ],
            options={
                'ordering': ['-pk'],
            },
        ),
        migrations.CreateModel(
            name='Commission',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('amount', models.FloatField()),
                ('currency', models.CharField(max_length=8)),
                ('realized', models.FloatField(null=True)),
                ('at', models.DateTimeField(default=django.utils.timezone.now)),
                ('execution', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='commission_report', to='brokerage.execution')),
            ],
            options={
                'abstract': False,
            },
        ),
        migrations.CreateModel(
            name='OrderGrant',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('scope', models.CharField(db_index=True, max_length=60)),
                ('max_orders', models.PositiveIntegerField(default=30)),
                ('max_contracts', models.PositiveIntegerField(default=2, help_text='option contracts open')),
                ('max_shares', models.PositiveIntegerField(default=5, help_text='shares open')),
                ('max_notional', models.FloatField(default=5000.0, help_text='USD open')),
                ('max_premium', models.FloatField(default=500.0, help_text='USD per option contract')),
                ('issued_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('expires_at', models.DateTimeField()),
                ('revoked_at', models.DateTimeField(blank=True, null=True)),
                ('endpoint', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='grants', to='brokerage.endpoint')),
                ('issued_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ['-pk'],
            },
        ),
        migrations.CreateModel(
            name='OrderRecord',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('scope', models.CharField(blank=True, db_index=True, max_length=60)),
                ('key', models.CharField(max_length=120, unique=True)),
                ('ref', models.CharField(db_index=True, max_length=80)),
                ('route', models.CharField(max_length=10)),
                ('account', models.CharField(blank=True, max_length=20)),
                ('client_id', models.IntegerField(default=0)),
                ('order_id', models.IntegerField(null=True)),
                ('perm_id', models.BigIntegerField(null=True)),
                ('con_id', models.BigIntegerField()),
                ('symbol', models.CharField(max_length=20)),
                ('local_symbol', models.CharField(blank=True, max_length=60)),
                ('sec_type', models.CharField(max_length=8)),
                ('multiplier', models.PositiveIntegerField(default=1)),
                ('side', models.CharField(max_length=4)),
                ('quantity', models.FloatField()),
                ('order_type', models.CharField(max_length=4)),
                ('limit_price', models.FloatField(null=True)),
                ('tif', models.CharField(default='DAY', max_length=4)),
                ('purpose', models.CharField(default='TEST', max_length=8)),
                ('reduce_only', models.BooleanField(default=False)),
                ('state', models.CharField(choices=[('INTENT', 'INTENT'), ('REFUSED', 'REFUSED'), ('SUBMITTING', 'SUBMITTING'), ('SUBMITTED', 'SUBMITTED'), ('PARTIAL', 'PARTIAL'), ('FILLED', 'FILLED'), ('REJECTED', 'REJECTED'), ('CANCEL_PENDING', 'CANCEL_PENDING'), ('CANCELLED', 'CANCELLED'), ('UNKNOWN', 'UNKNOWN'), ('NO_RESPONSE', 'NO_RESPONSE')], db_index=True, default='INTENT', max_length=16)),
                ('reason', models.CharField(blank=True, max_length=40)),
                ('text', models.TextField(blank=True)),
                ('filled', models.FloatField(default=0)),
                ('avg_price', models.FloatField(default=0)),
                ('late_fill', models.BooleanField(default=False)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('ended_at', models.DateTimeField(null=True)),
                ('acked_ms', models.FloatField(help_text='real ms from sending to the first answer', null=True)),
                ('filled_ms', models.FloatField(help_text='real ms from sending to the last fill', null=True)),
                ('cancel_acked_ms', models.FloatField(help_text='real ms from cancel to Cancelled', null=True)),
                ('endpoint', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='orders', to='brokerage.endpoint')),
                ('grant', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='orders', to='brokerage.ordergrant')),
            ],
            options={
                'ordering': ['pk'],
            },
        ),
        migrations.CreateModel(
            name='OrderEvent',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('at', models.DateTimeField(default=django.utils.timezone.now)),
                ('kind', models.CharField(max_length=24)),
                ('detail', models.JSONField(default=dict)),
                ('order', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='events', to='brokerage.orderrecord')),
            ],
            options={
                'ordering': ['pk'],
            },
        ),
        migrations.AddField(
            model_name='execution',
            name='order',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='executions', to='brokerage.orderrecord'),
        ),
        migrations.CreateModel(
            name='KillSwitch',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('state', models.CharField(choices=[('ARMED', 'Armed'), ('TRIGGERED', 'Triggered'), ('RESET_REQUESTED', 'Reset requested')], default='ARMED', max_length=16)),
                ('reason', models.TextField(blank=True)),
                ('rule', models.CharField(blank=True, max_length=40)),
                ('since', models.DateTimeField(default=django.utils.timezone.now)),
                ('by_name', models.CharField(default='system', max_length=150)),
                ('requested_at', models.DateTimeField(null=True)),
                ('root_cause', models.TextField(blank=True)),
                ('by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('requested_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'constraints': [models.CheckConstraint(condition=models.Q(('pk', 1)), name='one_kill_switch')],
            },
        ),
        *triggers("brokerage_accountproof"),
        *triggers("brokerage_orderevent"),
        *triggers("brokerage_execution"),
        *triggers("brokerage_commission"),
    ]
