"""The groups of staff (itsci_site/lib/newsroom/roles.py). Permissions come after migrations, so they are made here first."""

from django.db import migrations

from itsci_site.lib.newsroom import roles


def make_groups(apps, schema_editor):
    roles.make_groups(apps)


class Migration(migrations.Migration):
    dependencies = [
        ("auth", "0012_alter_user_first_name_max_length"),
        ("newsroom", "0001_initial"),
        ("regions", "0010_period_locks"),
        ("testimonials", "0007_rules_of_consent"),
        ("meetings", "0007_sensitivity"),
        ("programmes", "0008_approval"),
    ]
    operations = [migrations.RunPython(make_groups, migrations.RunPython.noop)]
