"""Every address of the site. Public pages stand at / in English and below /fr/ in French."""

from django.conf.urls.i18n import i18n_patterns
from django.contrib import admin
from django.contrib.auth import views as auth_views
from django.urls import include, path, re_path
from django.views.decorators.http import conditional_page

from meetings.feeds import Meetings
from meetings.ical import meetings_calendar
from programmes import iati_views
from programmes.feeds import Figures

from . import data_views, exchange, sitemaps, views
from .lib.pagecache import kept
from .preview import preview
from .search_views import search_page
from .security_txt import security_txt
from .share_views import share_image
from .sign_in_forms import ResetForm
from .sign_in_views import of_the_admin

urlpatterns = [
    # A forgotten password. These names are the ones that Django's own pages look for.
    path("admin/reset/", of_the_admin(auth_views.PasswordResetView, form_class=ResetForm), name="admin_password_reset"),
    path("admin/reset/sent/", of_the_admin(auth_views.PasswordResetDoneView), name="password_reset_done"),
    path("admin/reset/<uidb64>/<token>/", of_the_admin(auth_views.PasswordResetConfirmView), name="password_reset_confirm"),
    path("admin/reset/done/", of_the_admin(auth_views.PasswordResetCompleteView), name="password_reset_complete"),
    path("admin/regions/reading/import/", admin.site.admin_view(exchange.import_readings), name="import_readings"),
    path("admin/regions/reading/export.<slug:ending>", admin.site.admin_view(exchange.export_readings), name="export_readings"),
    path("admin/", admin.site.urls),
    path("healthz", views.healthz, name="healthz"),
    path("readyz", views.readyz, name="readyz"),
    path("robots.txt", views.robots, name="robots"),
    path("favicon.ico", views.favicon, name="favicon"),
    path(".well-known/security.txt", security_txt, name="security_txt"),
    path("sitemap.xml", sitemaps.index, name="sitemap"),
    path("sitemap-<slug:section>.xml", sitemaps.section, name="sitemap_section"),
    # Open data: one address for both languages.
    path("data/readings.csv", data_views.readings_csv, name="readings_csv"),
    path("data/readings.json", data_views.readings_json, name="readings_json"),
    path("data/readings.xlsx", data_views.readings_xlsx, name="readings_xlsx"),
    path("data/regions.geojson", data_views.regions_geojson, name="regions_geojson"),
    path("data/datapackage.json", data_views.datapackage, name="datapackage"),
    path("data/dataset.jsonld", data_views.dataset, name="dataset"),
    path("data/openapi.json", data_views.openapi, name="openapi"),
    path("data/offline-<slug:language>.zip", data_views.offline_pack, name="offline_pack"),
    path("data/iati.xml", iati_views.iati_file, name="iati"),
    *i18n_patterns(
        path("", include("programmes.urls")),
        path("where-we-work/", include("regions.urls")),
        path("stories/", include("testimonials.urls")),
        path("meetings/", include("meetings.urls")),
        path("search/", search_page, name="search"),
        path("data/", data_views.data, name="data"),
        path("data/corrections/", data_views.corrections, name="corrections"),
        path("feeds/figures.atom", kept()(conditional_page(Figures())), name="figures_feed"),
        path("feeds/meetings.atom", kept("region")(conditional_page(Meetings())), name="meetings_feed"),
        path("feeds/meetings.ics", meetings_calendar, name="meetings_calendar"),
        path("preview/<str:token>/", preview, name="preview"),
        path("accessibility/", views.accessibility, name="accessibility"),
        re_path(r"^(?P<page>(?:[-\w]+/)*)share\.png$", share_image, name="share_image"),
        prefix_default_language=False,
    ),
]

handler400 = "itsci_site.views.bad_request"
handler403 = "itsci_site.views.forbidden"
handler404 = "itsci_site.views.not_found"
handler500 = "itsci_site.views.broken"
