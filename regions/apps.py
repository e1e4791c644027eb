from django.apps import AppConfig
from django.db.models.signals import post_migrate, pre_migrate

from itsci_site.lib import fulltext, languages


class RegionsConfig(AppConfig):
    name = "regions"
    verbose_name = "Regions and figures"
    keeps_trail = True

    def ready(self) -> None:
        from . import content_version, versions

        # These come once an app, before the first migration and after the last one of all: this app's are enough.
        pre_migrate.connect(versions.drop_views, sender=self)
        post_migrate.connect(fulltext.add_columns, sender=self)
        post_migrate.connect(versions.make_views, sender=self)
        post_migrate.connect(languages.keep_all, sender=self)
        post_migrate.connect(content_version.watch_all, sender=self)
