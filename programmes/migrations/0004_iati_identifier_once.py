"""No two programmes with one IATI identifier."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("programmes", "0003_iati")]

    operations = [
        migrations.AddConstraint(
            model_name="programme",
            constraint=models.UniqueConstraint(
                condition=models.Q(("iati_identifier", ""), _negated=True),
                fields=("iati_identifier",),
                name="programmes_programme_iati_identifier_once",
            ),
        )
    ]
