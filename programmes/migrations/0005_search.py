"""What is searched of the programme's own texts (itsci_site/lib/fulltext.py)."""

from django.db import migrations

from itsci_site.lib import fulltext


class Migration(migrations.Migration):
    dependencies = [("programmes", "0004_iati_identifier_once"), ("regions", "0005_search")]
    operations = [
        migrations.RunSQL(
            *fulltext.columns("programmes_programme", {"A": ["name*", "strapline*"], "B": ["lead*"], "C": ["progress_lead*"]})
        ),
        migrations.RunSQL(*fulltext.columns("programmes_activity", {"A": ["title*"], "C": ["text*"]})),
        migrations.RunSQL(*fulltext.columns("programmes_partner", {"A": ["name*"], "C": ["note*"]})),
    ]
