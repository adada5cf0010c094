"""Addresses of the site."""

from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

from rooms.health import healthz

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="rooms:index")),
    path("chat/", include("rooms.urls")),
    path("healthz", healthz),
    path("admin/", admin.site.urls),
]

handler400 = "rooms.views.unreadable.unreadable"
