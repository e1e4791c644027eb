from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _


class NewsroomConfig(AppConfig):
    name = "itsci_site.lib.newsroom"
    label = "newsroom"
    verbose_name = _("Newsroom")

    def ready(self) -> None:
        from . import guard, ledger, trail

        post_migrate.connect(trail.watch_all, sender=self)
        post_migrate.connect(guard.guard_all, sender=self)
        post_migrate.connect(ledger.watch_all, sender=self)
