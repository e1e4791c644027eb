from django.urls import path

from . import views

urlpatterns = [
    path("", views.meetings, name="meetings"),
    path("<slug:slug>/", views.meeting, name="meeting"),
    path("<slug:slug>/<int:pk>.pdf", views.document, name="document"),
]
