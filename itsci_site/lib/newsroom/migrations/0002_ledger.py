from django.db import migrations, models

from itsci_site.lib.newsroom import ledger

KINDS = [
    ("verified", "verified"),
    ("broken", "found broken"),
    ("exported", "taken away as a file"),
    ("restored", "restored from a backup"),
    ("opened", "opened without its ledger"),
]


class Migration(migrations.Migration):
    dependencies = [("newsroom", "0001_initial")]

    operations = [
        migrations.RunSQL(ledger.TABLES, ledger.NO_TABLES),
        migrations.RemoveConstraint(model_name="note", name="newsroom_note_kind_known"),
        migrations.AlterField(
            model_name="note", name="kind", field=models.CharField(choices=KINDS, max_length=8, verbose_name="what")
        ),
        migrations.AddConstraint(
            model_name="note",
            constraint=models.CheckConstraint(
                condition=models.Q(("kind__in", [kind for kind, _said in KINDS])), name="newsroom_note_kind_known"
            ),
        ),
    ]
