from django.urls import path

from . import views

urlpatterns = [
    path("", views.stories, name="stories"),
    path("<slug:slug>/", views.story, name="story"),
    path("<slug:slug>/<slug:portrait>-<str:rendition>", views.portrait, name="portrait"),
]
