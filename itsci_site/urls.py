"""Every address of the site. Public pages stand at / in English and below /fr/ in French."""

from django.conf.urls.i18n import i18n_patterns
from django.contrib import admin
from django.urls import include, path

from programmes import iati_views
from regions.feeds import Figures

from . import data_views, views

urlpatterns = [
    path("admin/", admin.site.urls),
    path("healthz", views.healthz, name="healthz"),
    path("readyz", views.readyz, name="readyz"),
    path("robots.txt", views.robots, name="robots"),
    # Open data: one address for both languages.
    path("data/readings.csv", data_views.readings_csv, name="readings_csv"),
    path("data/readings.json", data_views.readings_json, name="readings_json"),
    path("data/readings.xlsx", data_views.readings_xlsx, name="readings_xlsx"),
    path("data/regions.geojson", data_views.regions_geojson, name="regions_geojson"),
    path("data/datapackage.json", data_views.datapackage, name="datapackage"),
    path("data/dataset.jsonld", data_views.dataset, name="dataset"),
    path("data/openapi.json", data_views.openapi, name="openapi"),
    path("data/iati.xml", iati_views.iati_file, name="iati"),
    *i18n_patterns(
        path("", include("programmes.urls")),
        path("where-we-work/", include("regions.urls")),
        path("stories/", include("testimonials.urls")),
        path("meetings/", include("meetings.urls")),
        path("data/", data_views.data, name="data"),
        path("data/corrections/", data_views.corrections, name="corrections"),
        path("feeds/figures.atom", Figures(), name="figures_feed"),
        path("accessibility/", views.accessibility, name="accessibility"),
        prefix_default_language=False,
    ),
]

handler400 = "itsci_site.views.bad_request"
handler403 = "itsci_site.views.forbidden"
handler404 = "itsci_site.views.not_found"
handler500 = "itsci_site.views.broken"
