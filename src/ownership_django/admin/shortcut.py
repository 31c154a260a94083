"""The admin's address ``r/<content type>/<id>/``, which leads to a row's page on the site, guarded like all others.

It belongs to the admin site and reads rows past every admin class. Where customers have pages on the site
(``get_absolute_url``), it would tell a hidden customer from a missing one; so the site answers through here.
"""

from __future__ import annotations

from typing import Any

from django.contrib.admin import AdminSite
from django.contrib.contenttypes.models import ContentType
from django.contrib.contenttypes.views import shortcut
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import path

_GUARDED = "_ownership_guarded"


def guard_shortcut(site: AdminSite) -> None:
    """Put our answer before the site's own, once."""
    if getattr(site, _GUARDED, False):
        return
    theirs = site.get_urls

    def answer(request: HttpRequest, content_type_id: str, object_id: str) -> HttpResponse:
        if not _is_seen(site, request, content_type_id, object_id):
            # Word for word what Django says of a row that is not there.
            raise Http404(f"Content type {content_type_id} object {object_id} doesn’t exist")  # noqa: RUF001
        return shortcut(request, content_type_id, object_id)

    def get_urls() -> list[Any]:
        where = "r/<path:content_type_id>/<path:object_id>/"
        return [path(where, site.admin_view(answer), name="view_on_site"), *theirs()]

    site.get_urls = get_urls  # type: ignore[method-assign]
    setattr(site, _GUARDED, True)


def _is_seen(site: AdminSite, request: HttpRequest, content_type_id: str, object_id: str) -> bool:
    """Whether the row is none of ours to guard, or the user may see it."""
    try:
        model = ContentType.objects.get_for_id(int(content_type_id)).model_class()
    except (ContentType.DoesNotExist, ValueError):
        return True  # Django says so
    admin: Any = site._registry.get(model) if model is not None else None  # noqa: SLF001 - asked, not changed
    guarded = getattr(admin, "ownership_path", None)
    if guarded is None or guarded() is None:
        return True
    return admin.get_object(request, object_id) is not None
