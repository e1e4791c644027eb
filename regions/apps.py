from django.apps import AppConfig
from django.db.models.signals import post_migrate, pre_migrate


class RegionsConfig(AppConfig):
    name = "regions"
    verbose_name = "Regions and figures"

    def ready(self) -> None:
        from . import versions

        # Both come once an app, before the first migration and after the last one of all: this app's are enough.
        pre_migrate.connect(versions.drop_views, sender=self)
        post_migrate.connect(versions.make_views, sender=self)
