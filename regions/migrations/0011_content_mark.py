from django.db import migrations

from regions import content_version


class Migration(migrations.Migration):
    dependencies = [
        ("regions", "0010_period_locks"),
    ]

    operations = [migrations.RunSQL(content_version.MARK, content_version.NO_MARK)]
