from django.db import migrations, models

from crucible.ledger.append_only import triggers

# What would widen a grant, renew it, or give it to another scope.
WIDENED = """
NEW.scope <> OLD.scope
OR COALESCE(NEW.endpoint_id, 0) <> COALESCE(OLD.endpoint_id, 0)
OR NEW.symbols <> OLD.symbols
OR NEW.max_orders > OLD.max_orders
OR NEW.max_contracts > OLD.max_contracts
OR NEW.max_shares > OLD.max_shares
OR NEW.max_notional > OLD.max_notional
OR NEW.max_premium > OLD.max_premium
OR NEW.issued_at <> OLD.issued_at
OR NEW.expires_at > OLD.expires_at
OR COALESCE(NEW.issued_by_id, 0) <> COALESCE(OLD.issued_by_id, 0)
OR (OLD.revoked_at IS NOT NULL AND (NEW.revoked_at IS NULL OR NEW.revoked_at <> OLD.revoked_at))
"""


class Migration(migrations.Migration):

    dependencies = [
        ('brokerage', '0009_correction_proposals'),
    ]

    operations = [
        migrations.AddField(
            model_name='ordergrant',
            name='symbols',
            field=models.JSONField(default=list, help_text='what it may trade, by underlying'),
        ),
        *triggers("brokerage_ordergrant", frozen_when=WIDENED),
    ]
