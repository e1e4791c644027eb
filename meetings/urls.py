from django.urls import path

from . import views

urlpatterns = [
    path("", views.register, name="meetings"),
    path("<slug:slug>/", views.meeting, name="meeting"),
    path("<slug:slug>/<int:pk>.pdf", views.document, name="document"),
]
