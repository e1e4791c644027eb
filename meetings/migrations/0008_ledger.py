from django.db import migrations

from meetings import ledger


class Migration(migrations.Migration):
    dependencies = [("newsroom", "0002_ledger"), ("meetings", "0007_sensitivity")]

    operations = [migrations.RunSQL(ledger.TRIGGERS, ledger.NO_TRIGGERS)]
