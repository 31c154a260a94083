"""Oscar's pages, and before them the pages of its dashboard that show customers."""

from __future__ import annotations

from django.apps import apps
from django.conf.urls.static import static
from django.contrib import admin
from django.urls import include, path

from project import dashboard

_users = apps.get_app_config("users_dashboard")
_narrowed = [
    path("", dashboard.CustomerListView.as_view(), name="users-index"),
    path("<int:pk>/", dashboard.CustomerDetailView.as_view(), name="user-detail"),
    path("<int:pk>/password-reset/", dashboard.CustomerPasswordResetView.as_view(), name="user-password-reset"),
    path("alerts/", dashboard.AlertListView.as_view(), name="user-alert-list"),
    path("alerts/<int:pk>/delete/", dashboard.AlertDeleteView.as_view(), name="user-alert-delete"),
    path("alerts/<int:pk>/update/", dashboard.AlertUpdateView.as_view(), name="user-alert-update"),
]

urlpatterns = [
    path("i18n/", include("django.conf.urls.i18n")),
    path("admin/", admin.site.urls),
    # First come, first served. Oscar's own check of who may enter a page is put around each by its name.
    path("dashboard/users/", include(_users.post_process_urls(_narrowed))),
    path("", include(apps.get_app_config("oscar").urls[0])),
    *static("media/", document_root=apps.get_app_config("oscar").path),
]
