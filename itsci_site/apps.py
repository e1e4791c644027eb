from django.apps import AppConfig


class SiteConfig(AppConfig):
    name = "itsci_site"

    def ready(self) -> None:
        from itsci_site import checks  # noqa: F401 - registers itself
