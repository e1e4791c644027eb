import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models

import testimonials.models.contributor


class Migration(migrations.Migration):
    dependencies = [
        ("regions", "0008_approval"),
        ("testimonials", "0005_approval"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Consent",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "how",
                    models.CharField(
                        choices=[
                            ("written", "written"),
                            ("thumbprint", "thumbprint"),
                            ("audio", "audio recording"),
                            ("witnessed", "spoken, before a witness"),
                            ("not_held", "published by the programme before this register; record not held"),
                        ],
                        max_length=10,
                        verbose_name="how",
                    ),
                ),
                ("given_at", models.DateTimeField(blank=True, null=True, verbose_name="given at (UTC)")),
                (
                    "language",
                    models.CharField(
                        blank=True,
                        help_text="The one it was explained and given in, like en, fr or swa.",
                        max_length=3,
                        verbose_name="language",
                    ),
                ),
                ("scope_quote", models.BooleanField(default=False, verbose_name="their words")),
                ("scope_translation", models.BooleanField(default=False, verbose_name="a translation of their words")),
                ("scope_first_name", models.BooleanField(default=False, verbose_name="their first name")),
                ("scope_full_name", models.BooleanField(default=False, verbose_name="their full name")),
                ("scope_role", models.BooleanField(default=False, verbose_name="their role")),
                ("scope_province", models.BooleanField(default=False, verbose_name="their province")),
                ("scope_photo", models.BooleanField(default=False, verbose_name="their photo")),
                ("scope_web", models.BooleanField(default=False, verbose_name="on the web")),
                ("scope_print", models.BooleanField(default=False, verbose_name="in print")),
                (
                    "registered_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), editable=False, verbose_name="registered at"
                    ),
                ),
                (
                    "expires_on",
                    models.DateField(
                        blank=True,
                        help_text="From this day on it does not hold. Empty: in 12 months. At most 24 if the risk is low, 12 if medium, 6 if high.",
                        verbose_name="ends on",
                    ),
                ),
                ("withdrawn_at", models.DateTimeField(blank=True, editable=False, null=True, verbose_name="withdrawn at")),
            ],
            options={
                "verbose_name": "consent",
                "verbose_name_plural": "consents",
                "ordering": ["-pk"],
            },
        ),
        migrations.CreateModel(
            name="Contributor",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "reference",
                    models.CharField(
                        default=testimonials.models.contributor.new_reference,
                        editable=False,
                        max_length=10,
                        unique=True,
                        verbose_name="reference",
                    ),
                ),
                ("legal_name", models.CharField(max_length=200, verbose_name="legal name")),
                ("contact", models.TextField(blank=True, verbose_name="how to reach them")),
                (
                    "preferred_language",
                    models.CharField(help_text="Like en, fr or swa.", max_length=3, verbose_name="preferred language"),
                ),
                (
                    "age",
                    models.CharField(
                        choices=[("minor", "under 18"), ("adult", "18 or older"), ("unknown", "not known")],
                        max_length=7,
                        verbose_name="age",
                    ),
                ),
                (
                    "guardian",
                    models.CharField(blank=True, help_text="Of whoever is under 18.", max_length=200, verbose_name="guardian"),
                ),
                ("notes", models.TextField(blank=True, verbose_name="notes")),
            ],
            options={
                "verbose_name": "contributor",
                "verbose_name_plural": "contributors",
                "ordering": ["reference"],
            },
        ),
        migrations.AlterModelOptions(
            name="testimonial",
            options={
                "ordering": ["order", "slug"],
                "permissions": [("erase_testimonial", "Can erase a testimonial for good")],
                "verbose_name": "testimonial",
                "verbose_name_plural": "testimonials",
            },
        ),
        migrations.RemoveConstraint(
            model_name="testimonial",
            name="testimonials_testimonial_has_quote",
        ),
        migrations.AddField(
            model_name="testimonial",
            name="accuses_person",
            field=models.BooleanField(db_default=False, default=False, verbose_name="accuses a person"),
        ),
        migrations.AddField(
            model_name="testimonial",
            name="armed_group",
            field=models.BooleanField(db_default=False, default=False, verbose_name="speaks of an armed group"),
        ),
        migrations.AddField(
            model_name="testimonial",
            name="assessed_at",
            field=models.DateTimeField(blank=True, editable=False, null=True, verbose_name="assessed at"),
        ),
        migrations.AddField(
            model_name="testimonial",
            name="assessed_by",
            field=models.ForeignKey(
                blank=True,
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="assessed by",
            ),
        ),
        migrations.AddField(
            model_name="testimonial",
            name="attribution",
            field=models.CharField(
                choices=[
                    ("anonymous", "anonymous"),
                    ("role", "role"),
                    ("pseudonym", "pseudonym"),
                    ("first_name", "first name"),
                    ("full", "full name"),
                ],
                db_default="anonymous",
                default="anonymous",
                max_length=10,
                verbose_name="whose words, for readers",
            ),
        ),
        migrations.AddField(
            model_name="testimonial",
            name="child_labour",
            field=models.BooleanField(db_default=False, default=False, verbose_name="speaks of child labour"),
        ),
        migrations.AddField(
            model_name="testimonial",
            name="consent_until",
            field=models.DateTimeField(blank=True, editable=False, null=True, verbose_name="consent lasts until"),
        ),
        migrations.AddField(
            model_name="testimonial",
            name="erased_at",
            field=models.DateTimeField(blank=True, editable=False, null=True, verbose_name="erased at"),
        ),
        migrations.AddField(
            model_name="testimonial",
            name="erased_by",
            field=models.ForeignKey(
                blank=True,
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="erased by",
            ),
        ),
        migrations.AddField(
            model_name="testimonial",
            name="health",
            field=models.BooleanField(db_default=False, default=False, verbose_name="tells of somebody’s health"),
        ),
        migrations.AddField(
            model_name="testimonial",
            name="place_precision",
            field=models.CharField(
                choices=[("country", "country"), ("region", "region")],
                db_default="region",
                default="region",
                max_length=7,
                verbose_name="place shown",
            ),
        ),
        migrations.AddField(
            model_name="testimonial",
            name="risk",
            field=models.CharField(
                blank=True,
                choices=[("low", "low"), ("medium", "medium"), ("high", "high")],
                db_default="",
                default="",
                help_text="Empty until somebody has assessed it.",
                max_length=6,
                verbose_name="risk to whoever speaks",
            ),
        ),
        migrations.AddField(
            model_name="testimonial",
            name="self_incriminating",
            field=models.BooleanField(db_default=False, default=False, verbose_name="admits something unlawful"),
        ),
        migrations.AddField(
            model_name="testimonial",
            name="sexual_violence",
            field=models.BooleanField(db_default=False, default=False, verbose_name="speaks of sexual violence"),
        ),
        migrations.AddField(
            model_name="testimonial",
            name="shown_as",
            field=models.CharField(
                blank=True,
                db_default="",
                default="",
                help_text="The name or the role as readers see it, like “a washer at Nyabibwe”. Empty if anonymous.",
                max_length=100,
                verbose_name="shown as",
            ),
        ),
        migrations.AddField(
            model_name="testimonial",
            name="shown_as_en",
            field=models.CharField(
                blank=True,
                db_default="",
                default="",
                help_text="The name or the role as readers see it, like “a washer at Nyabibwe”. Empty if anonymous.",
                max_length=100,
                null=True,
                verbose_name="shown as",
            ),
        ),
        migrations.AddField(
            model_name="testimonial",
            name="shown_as_fr",
            field=models.CharField(
                blank=True,
                db_default="",
                default="",
                help_text="The name or the role as readers see it, like “a washer at Nyabibwe”. Empty if anonymous.",
                max_length=100,
                null=True,
                verbose_name="shown as",
            ),
        ),
        migrations.AddField(
            model_name="testimonial",
            name="whistleblowing",
            field=models.BooleanField(db_default=False, default=False, verbose_name="tells of wrongdoing from within"),
        ),
        migrations.AddField(
            model_name="testimonial",
            name="withdrawn_at",
            field=models.DateTimeField(blank=True, editable=False, null=True, verbose_name="withdrawn at"),
        ),
        migrations.AddField(
            model_name="testimonial",
            name="words",
            field=models.TextField(
                blank=True,
                db_default="",
                default="",
                help_text="A translation of the quote, for pages in this language. Empty: the quote stands as it was published.",
                verbose_name="their words in this language",
            ),
        ),
        migrations.AddField(
            model_name="testimonial",
            name="words_en",
            field=models.TextField(
                blank=True,
                db_default="",
                default="",
                help_text="A translation of the quote, for pages in this language. Empty: the quote stands as it was published.",
                null=True,
                verbose_name="their words in this language",
            ),
        ),
        migrations.AddField(
            model_name="testimonial",
            name="words_fr",
            field=models.TextField(
                blank=True,
                db_default="",
                default="",
                help_text="A translation of the quote, for pages in this language. Empty: the quote stands as it was published.",
                null=True,
                verbose_name="their words in this language",
            ),
        ),
        migrations.AddField(
            model_name="consent",
            name="taken_by",
            field=models.ForeignKey(
                blank=True,
                help_text="The member of staff who asked.",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="taken by",
            ),
        ),
        migrations.AddField(
            model_name="testimonial",
            name="consent",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="testimonials",
                to="testimonials.consent",
                verbose_name="consent",
            ),
        ),
        migrations.AddConstraint(
            model_name="contributor",
            constraint=models.CheckConstraint(
                condition=models.Q(("reference__regex", "^P-[0-9A-F]{8}$")), name="testimonials_contributor_reference_opaque"
            ),
        ),
        migrations.AddConstraint(
            model_name="contributor",
            constraint=models.CheckConstraint(
                condition=models.Q(("age__in", ["minor", "adult", "unknown"])), name="testimonials_contributor_age_known"
            ),
        ),
        migrations.AddConstraint(
            model_name="contributor",
            constraint=models.CheckConstraint(
                condition=models.Q(models.Q(("age", "minor"), _negated=True), ("guardian__regex", "\\S"), _connector="OR"),
                name="testimonials_contributor_minor_has_guardian",
            ),
        ),
        migrations.AddConstraint(
            model_name="contributor",
            constraint=models.CheckConstraint(
                condition=models.Q(("preferred_language__regex", "^[a-z]{2,3}$")), name="testimonials_contributor_language_code"
            ),
        ),
        migrations.AddField(
            model_name="consent",
            name="contributor",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="consents",
                to="testimonials.contributor",
                verbose_name="contributor",
            ),
        ),
        migrations.AddField(
            model_name="testimonial",
            name="contributor",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="testimonials",
                to="testimonials.contributor",
                verbose_name="contributor",
            ),
        ),
        migrations.AddConstraint(
            model_name="testimonial",
            constraint=models.CheckConstraint(
                condition=models.Q(models.Q(("quote", ""), _negated=True), ("erased_at__isnull", False), _connector="OR"),
                name="testimonials_testimonial_has_quote",
            ),
        ),
        migrations.AddConstraint(
            model_name="testimonial",
            constraint=models.CheckConstraint(
                condition=models.Q(("attribution__in", ["anonymous", "role", "pseudonym", "first_name", "full"])),
                name="testimonials_testimonial_attribution_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="testimonial",
            constraint=models.CheckConstraint(
                condition=models.Q(("place_precision__in", ["country", "region"])), name="testimonials_testimonial_place_known"
            ),
        ),
        migrations.AddConstraint(
            model_name="testimonial",
            constraint=models.CheckConstraint(
                condition=models.Q(("risk__in", ["", "low", "medium", "high"])), name="testimonials_testimonial_risk_known"
            ),
        ),
        migrations.AddConstraint(
            model_name="testimonial",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("assessed_at__isnull", True), ("assessed_by__isnull", True)),
                    models.Q(
                        models.Q(("risk", ""), _negated=True), ("assessed_at__isnull", False), ("assessed_by__isnull", False)
                    ),
                    _connector="OR",
                ),
                name="testimonials_testimonial_assessed_by_somebody",
            ),
        ),
        migrations.AddConstraint(
            model_name="testimonial",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("attribution", "anonymous"),
                        models.Q(("shown_as_en__isnull", True), ("shown_as_en", ""), _connector="OR"),
                        models.Q(("shown_as_fr__isnull", True), ("shown_as_fr", ""), _connector="OR"),
                    ),
                    models.Q(
                        models.Q(("attribution", "anonymous"), _negated=True),
                        ("shown_as_en__isnull", False),
                        ("shown_as_en__regex", "\\S"),
                    ),
                    _connector="OR",
                ),
                name="testimonials_testimonial_shown_as",
            ),
        ),
        migrations.AddConstraint(
            model_name="testimonial",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        models.Q(
                            ("self_incriminating", True),
                            ("armed_group", True),
                            ("sexual_violence", True),
                            ("accuses_person", True),
                            ("whistleblowing", True),
                            _connector="OR",
                            _negated=True,
                        ),
                        models.Q(("risk", "high"), _negated=True),
                    ),
                    ("attribution__in", ["anonymous", "role"]),
                    _connector="OR",
                ),
                name="testimonials_testimonial_danger_unnamed",
            ),
        ),
        migrations.AddConstraint(
            model_name="testimonial",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        models.Q(
                            ("self_incriminating", True),
                            ("armed_group", True),
                            ("sexual_violence", True),
                            ("accuses_person", True),
                            ("whistleblowing", True),
                            _connector="OR",
                            _negated=True,
                        ),
                        models.Q(("risk", "high"), _negated=True),
                    ),
                    ("place_precision", "country"),
                    _connector="OR",
                ),
                name="testimonials_testimonial_danger_country_only",
            ),
        ),
        migrations.AddConstraint(
            model_name="testimonial",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        models.Q(
                            ("self_incriminating", True),
                            ("armed_group", True),
                            ("sexual_violence", True),
                            ("accuses_person", True),
                            ("whistleblowing", True),
                            _connector="OR",
                            _negated=True,
                        ),
                        models.Q(("risk", "high"), _negated=True),
                    ),
                    ("portrait", ""),
                    _connector="OR",
                ),
                name="testimonials_testimonial_danger_faceless",
            ),
        ),
        migrations.AddConstraint(
            model_name="testimonial",
            constraint=models.CheckConstraint(
                condition=models.Q(("child_labour", False), ("attribution__in", ["anonymous", "role"]), _connector="OR"),
                name="testimonials_testimonial_child_unnamed",
            ),
        ),
        migrations.AddConstraint(
            model_name="testimonial",
            constraint=models.CheckConstraint(
                condition=models.Q(("child_labour", False), ("portrait", ""), _connector="OR"),
                name="testimonials_testimonial_child_faceless",
            ),
        ),
        migrations.AddConstraint(
            model_name="testimonial",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("erased_at__isnull", True), ("erased_by__isnull", True)),
                    models.Q(("erased_at__isnull", False), ("erased_by__isnull", False), ("status", "draft")),
                    _connector="OR",
                ),
                name="testimonials_testimonial_erased_by_somebody",
            ),
        ),
        migrations.AddConstraint(
            model_name="consent",
            constraint=models.CheckConstraint(
                condition=models.Q(("how__in", ["written", "thumbprint", "audio", "witnessed", "not_held"])),
                name="testimonials_consent_how_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="consent",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("contributor__isnull", True),
                        ("given_at__isnull", True),
                        ("how", "not_held"),
                        ("language", ""),
                        ("taken_by__isnull", True),
                    ),
                    models.Q(
                        models.Q(("how", "not_held"), _negated=True),
                        ("contributor__isnull", False),
                        ("given_at__isnull", False),
                        ("language__regex", "^[a-z]{2,3}$"),
                        ("taken_by__isnull", False),
                    ),
                    _connector="OR",
                ),
                name="testimonials_consent_on_record",
            ),
        ),
        migrations.AddConstraint(
            model_name="consent",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("withdrawn_at__isnull", True),
                    ("given_at__isnull", True),
                    ("withdrawn_at__gte", models.F("given_at")),
                    _connector="OR",
                ),
                name="testimonials_consent_withdrawn_after_it_was_given",
            ),
        ),
    ]
