"""Every address of the site. Public pages stand at / in English and below /fr/ in French."""

from django.conf.urls.i18n import i18n_patterns
from django.contrib import admin
from django.urls import include, path

from . import views

urlpatterns = [
    path("admin/", admin.site.urls),
    path("healthz", views.healthz, name="healthz"),
    path("readyz", views.readyz, name="readyz"),
    path("robots.txt", views.robots, name="robots"),
    *i18n_patterns(
        path("", include("programmes.urls")),
        path("where-we-work/", include("regions.urls")),
        path("stories/", include("testimonials.urls")),
        path("meetings/", include("meetings.urls")),
        path("accessibility/", views.accessibility, name="accessibility"),
        prefix_default_language=False,
    ),
]

handler400 = "itsci_site.views.bad_request"
handler403 = "itsci_site.views.forbidden"
handler404 = "itsci_site.views.not_found"
handler500 = "itsci_site.views.broken"
