from django.apps import AppConfig
from django.db.models.signals import post_migrate, pre_migrate


class TestimonialsConfig(AppConfig):
    name = "testimonials"
    verbose_name = "Testimonials and stories"
    keeps_trail = True
    notes_for_ledger = (
        ("testimonials_consent", "testimonials_leaves"),
        ("testimonials_contributor", "testimonials_leaves"),
    )

    def ready(self) -> None:
        from testimonials import files, withheld  # noqa: F401 - the first removes files with their rows

        pre_migrate.connect(withheld.drop_views, sender=self)
        post_migrate.connect(withheld.make_views, sender=self)
