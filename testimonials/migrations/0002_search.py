"""What is searched of stories (itsci_site/lib/fulltext.py)."""

from django.db import migrations

from itsci_site.lib import fulltext


class Migration(migrations.Migration):
    dependencies = [("testimonials", "0001_initial"), ("regions", "0005_search")]
    operations = [
        migrations.RunSQL(
            *fulltext.columns(
                "testimonials_testimonial",
                {"A": ["story_title*"], "B": ["story_teaser*", "quote@quote_language"], "C": ["story_body*"]},
            )
        )
    ]
