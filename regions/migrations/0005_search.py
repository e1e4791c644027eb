"""Text search configurations, and what is searched of places and measures (itsci_site/lib/fulltext.py)."""

from django.db import migrations

from itsci_site.lib import fulltext
from regions import versions


class Migration(migrations.Migration):
    dependencies = [("regions", "0004_jump_factor")]
    operations = [
        migrations.RunSQL(fulltext.CONFIGURATIONS, fulltext.NO_CONFIGURATIONS),
        migrations.RunSQL(versions.KEEP, migrations.RunSQL.noop),
        migrations.RunSQL(*fulltext.columns("regions_country", {"A": ["name*", "short_name*"], "C": ["introduction*"]})),
        migrations.RunSQL(*fulltext.columns("regions_region", {"A": ["name*"], "B": ["lead*"], "C": ["narrative*"]})),
        migrations.RunSQL(*fulltext.columns("regions_metric", {"A": ["name*", "short_name*"], "C": ["definition*"]})),
    ]
