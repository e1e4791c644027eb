import django.db.models.deletion
import django.db.models.functions.text
from django.db import migrations, models

from regions import versions


class Migration(migrations.Migration):
    dependencies = [
        ("programmes", "0002_versions"),
        ("regions", "0003_versions"),
    ]

    operations = [
        migrations.CreateModel(
            name="CountryShare",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("percentage", models.DecimalField(decimal_places=2, max_digits=5, verbose_name="percentage")),
                (
                    "country",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="regions.country",
                        verbose_name="country",
                    ),
                ),
                (
                    "programme",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="shares",
                        to="programmes.programme",
                        verbose_name="programme",
                    ),
                ),
            ],
            options={
                "verbose_name": "country’s share",
                "verbose_name_plural": "countries’ shares",
                "ordering": ["programme", "country__order"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("percentage__gte", 0), ("percentage__lte", 100)),
                        name="programmes_countryshare_percentage_possible",
                    ),
                    models.UniqueConstraint(fields=("programme", "country"), name="programmes_countryshare_once"),
                ],
            },
        ),
        migrations.AddField(
            model_name="partner",
            name="iati_ref",
            field=models.CharField(
                blank=True,
                db_default="",
                default="",
                help_text="As registered with IATI.",
                max_length=80,
                verbose_name="organisation identifier",
            ),
        ),
        migrations.AddField(
            model_name="partner",
            name="iati_role",
            field=models.CharField(
                blank=True,
                choices=[("1", "Funding"), ("2", "Accountable"), ("3", "Extending"), ("4", "Implementing")],
                db_default="",
                default="",
                help_text="A donor counts as funding by itself. Any other partner without a role here is left out of the IATI file.",
                max_length=1,
                verbose_name="role in IATI",
            ),
        ),
        migrations.AddField(
            model_name="partner",
            name="iati_type",
            field=models.CharField(
                blank=True,
                choices=[
                    ("10", "Government"),
                    ("11", "Local government"),
                    ("15", "Other public sector"),
                    ("21", "International NGO"),
                    ("22", "National NGO"),
                    ("23", "Regional NGO"),
                    ("24", "Partner country based NGO"),
                    ("30", "Public-private partnership"),
                    ("40", "Multilateral"),
                    ("60", "Foundation"),
                    ("70", "Private sector"),
                    ("71", "Private sector in provider country"),
                    ("72", "Private sector in aid recipient country"),
                    ("73", "Private sector in third country"),
                    ("80", "Academic, training and research"),
                    ("90", "Other"),
                ],
                db_default="",
                default="",
                max_length=2,
                verbose_name="type of organisation",
            ),
        ),
        migrations.AddField(
            model_name="programme",
            name="actual_end",
            field=models.DateField(blank=True, null=True, verbose_name="actual end"),
        ),
        migrations.AddField(
            model_name="programme",
            name="actual_start",
            field=models.DateField(
                blank=True, help_text="IATI demands one of the two.", null=True, verbose_name="actual start"
            ),
        ),
        migrations.AddField(
            model_name="programme",
            name="iati_identifier",
            field=models.CharField(
                blank=True,
                db_default="",
                default="",
                help_text="Of this activity: the reporting organisation’s identifier, a hyphen and a code of its own.",
                max_length=100,
                verbose_name="IATI identifier",
            ),
        ),
        migrations.AddField(
            model_name="programme",
            name="iati_reporter",
            field=models.CharField(
                blank=True,
                db_default="",
                default="",
                help_text="The organisation that publishes this file under IATI.",
                max_length=150,
                verbose_name="reporting organisation",
            ),
        ),
        migrations.AddField(
            model_name="programme",
            name="iati_reporter_en",
            field=models.CharField(
                blank=True,
                db_default="",
                default="",
                help_text="The organisation that publishes this file under IATI.",
                max_length=150,
                null=True,
                verbose_name="reporting organisation",
            ),
        ),
        migrations.AddField(
            model_name="programme",
            name="iati_reporter_fr",
            field=models.CharField(
                blank=True,
                db_default="",
                default="",
                help_text="The organisation that publishes this file under IATI.",
                max_length=150,
                null=True,
                verbose_name="reporting organisation",
            ),
        ),
        migrations.AddField(
            model_name="programme",
            name="iati_reporter_ref",
            field=models.CharField(
                blank=True,
                db_default="",
                default="",
                help_text="As registered with IATI.",
                max_length=80,
                verbose_name="identifier of the reporting organisation",
            ),
        ),
        migrations.AddField(
            model_name="programme",
            name="iati_reporter_type",
            field=models.CharField(
                blank=True,
                choices=[
                    ("10", "Government"),
                    ("11", "Local government"),
                    ("15", "Other public sector"),
                    ("21", "International NGO"),
                    ("22", "National NGO"),
                    ("23", "Regional NGO"),
                    ("24", "Partner country based NGO"),
                    ("30", "Public-private partnership"),
                    ("40", "Multilateral"),
                    ("60", "Foundation"),
                    ("70", "Private sector"),
                    ("71", "Private sector in provider country"),
                    ("72", "Private sector in aid recipient country"),
                    ("73", "Private sector in third country"),
                    ("80", "Academic, training and research"),
                    ("90", "Other"),
                ],
                db_default="",
                default="",
                max_length=2,
                verbose_name="type of the reporting organisation",
            ),
        ),
        migrations.AddField(
            model_name="programme",
            name="iati_sector",
            field=models.CharField(
                blank=True,
                db_default="",
                default="",
                help_text="Five digits: a purpose code of the OECD DAC, from IATI’s codelist Sector.",
                max_length=5,
                verbose_name="sector",
            ),
        ),
        migrations.AddField(
            model_name="programme",
            name="iati_status",
            field=models.CharField(
                blank=True,
                choices=[
                    ("1", "Pipeline or identification"),
                    ("2", "Implementation"),
                    ("3", "Finalisation"),
                    ("4", "Closed"),
                    ("5", "Cancelled"),
                    ("6", "Suspended"),
                ],
                db_default="",
                default="",
                max_length=1,
                verbose_name="activity status",
            ),
        ),
        migrations.AddField(
            model_name="programme",
            name="planned_end",
            field=models.DateField(blank=True, null=True, verbose_name="planned end"),
        ),
        migrations.AddField(
            model_name="programme",
            name="planned_start",
            field=models.DateField(blank=True, null=True, verbose_name="planned start"),
        ),
        migrations.AddConstraint(
            model_name="partner",
            constraint=models.CheckConstraint(
                condition=models.Q(("iati_role__in", ["", "1", "2", "3", "4"])), name="programmes_partner_iati_role_known"
            ),
        ),
        migrations.AddConstraint(
            model_name="partner",
            constraint=models.CheckConstraint(
                condition=models.Q(("iati_ref__regex", "^[^/&|?[:space:][:cntrl:]]*$")),
                name="programmes_partner_iati_ref_spelling",
            ),
        ),
        migrations.AddConstraint(
            model_name="partner",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "iati_type__in",
                        ["", "10", "11", "15", "21", "22", "23", "24", "30", "40", "60", "70", "71", "72", "73", "80", "90"],
                    )
                ),
                name="programmes_partner_iati_type_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="partner",
            constraint=models.CheckConstraint(
                condition=models.Q(models.Q(("role", "standard"), _negated=True), ("iati_role", ""), _connector="OR"),
                name="programmes_partner_law_is_no_organisation",
            ),
        ),
        migrations.AddConstraint(
            model_name="programme",
            constraint=models.CheckConstraint(
                condition=models.Q(("iati_identifier__regex", "^[^/&|?[:space:][:cntrl:]]*$")),
                name="programmes_programme_iati_identifier_spelling",
            ),
        ),
        migrations.AddConstraint(
            model_name="programme",
            constraint=models.CheckConstraint(
                condition=models.Q(("iati_reporter_ref__regex", "^[^/&|?[:space:][:cntrl:]]*$")),
                name="programmes_programme_iati_reporter_ref_spelling",
            ),
        ),
        migrations.AddConstraint(
            model_name="programme",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("iati_identifier", ""),
                    ("iati_reporter_ref", ""),
                    (
                        "iati_identifier__startswith",
                        django.db.models.functions.text.Concat(models.F("iati_reporter_ref"), models.Value("-")),
                    ),
                    _connector="OR",
                ),
                name="programmes_programme_iati_identifier_begins_with_reporter",
            ),
        ),
        migrations.AddConstraint(
            model_name="programme",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "iati_reporter_type__in",
                        ["", "10", "11", "15", "21", "22", "23", "24", "30", "40", "60", "70", "71", "72", "73", "80", "90"],
                    )
                ),
                name="programmes_programme_iati_reporter_type_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="programme",
            constraint=models.CheckConstraint(
                condition=models.Q(("iati_status__in", ["", "1", "2", "3", "4", "5", "6"])),
                name="programmes_programme_iati_status_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="programme",
            constraint=models.CheckConstraint(
                condition=models.Q(("iati_sector__regex", "^([0-9]{5})?$")), name="programmes_programme_iati_sector_five_digits"
            ),
        ),
        migrations.AddConstraint(
            model_name="programme",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("planned_start__isnull", True),
                    ("planned_end__isnull", True),
                    ("planned_start__lte", models.F("planned_end")),
                    _connector="OR",
                ),
                name="programmes_programme_planned_start_before_end",
            ),
        ),
        migrations.AddConstraint(
            model_name="programme",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("actual_start__isnull", True),
                    ("actual_end__isnull", True),
                    ("actual_start__lte", models.F("actual_end")),
                    _connector="OR",
                ),
                name="programmes_programme_actual_start_before_end",
            ),
        ),
        # What the file names, as it was on a past day.
        *(migrations.RunSQL(*versions.keep(f"programmes_{name}")) for name in ("activity", "partner", "countryshare")),
    ]
