from django.urls import path

from . import views

urlpatterns = [
    path("", views.our_work, name="our_work"),
    path("progress/", views.progress, name="progress"),
    path("programmes/<slug:slug>/", views.our_work, name="programme"),
    path("programmes/<slug:slug>/progress/", views.progress, name="programme_progress"),
]
