from django.db import migrations

from regions import versions


class Migration(migrations.Migration):
    dependencies = [("programmes", "0001_initial"), ("regions", "0003_versions")]
    operations = [
        migrations.RunSQL(*versions.keep(f"programmes_{name}"))
        for name in ("programme", "programme_regions", "programme_metrics", "headline")
    ]
