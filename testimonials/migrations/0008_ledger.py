from django.db import migrations

from testimonials import ledger


class Migration(migrations.Migration):
    dependencies = [("newsroom", "0002_ledger"), ("testimonials", "0007_rules_of_consent")]

    operations = [migrations.RunSQL(ledger.TRIGGERS, ledger.NO_TRIGGERS)]
