from django.apps import AppConfig, apps
from django.conf import settings
from django.contrib.admin import apps as admin_apps
from django.db.models.signals import post_migrate


class SiteConfig(AppConfig):
    name = "itsci_site"

    def ready(self) -> None:
        from itsci_site import asked, checks, offline_store, public_role  # noqa: F401 - all but the last register themselves

        if settings.SENTRY_DSN:
            from itsci_site import sentry

            sentry.start(settings.SENTRY_DSN)
        # After the last app with tables of content, and after the views of the past.
        post_migrate.connect(public_role.grant_all, sender=apps.get_app_config("programmes"))


class StaffAdminConfig(admin_apps.AdminConfig):
    """Django's admin, whose `admin.site` asks everybody for a second factor."""

    default = False  # of two in this module, the other is the app's own
    default_site = "itsci_site.staff_site.StaffSite"
