from django.urls import path

from . import views

urlpatterns = [
    path("", views.our_work, name="our_work"),
    path("progress/", views.progress, name="progress"),
    path("progress/changes/", views.changes, name="changes"),
    path("progress/<slug:metric>/", views.figure, name="figure"),
    path("embed/<slug:metric>/", views.embed, name="embed"),
    path("embed/<slug:metric>/<slug:region>/", views.embed, name="embed"),
    path("programmes/<slug:slug>/", views.our_work, name="programme"),
    path("programmes/<slug:slug>/progress/", views.progress, name="programme_progress"),
    path("programmes/<slug:slug>/progress/<slug:metric>/", views.figure, name="programme_figure"),
]
