from django.apps import AppConfig


class TestimonialsConfig(AppConfig):
    name = "testimonials"
    verbose_name = "Testimonials and stories"
    keeps_trail = True

    def ready(self) -> None:
        from testimonials import files  # noqa: F401 - removes files with their rows
