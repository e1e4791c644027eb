from django.urls import path

from . import views

urlpatterns = [
    path("", views.where_we_work, name="where_we_work"),
    path("<slug:slug>/", views.region, name="region"),
]
