"""Rows that stand in a page are guarded as the page is."""

from django.db import migrations

from itsci_site.lib.newsroom import guard


class Migration(migrations.Migration):
    dependencies = [("newsroom", "0002_ledger")]

    operations = [migrations.RunSQL(guard.PARTS, guard.NO_PARTS)]
