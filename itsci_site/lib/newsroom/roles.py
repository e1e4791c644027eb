"""Who may do what, and where: roles are Django groups, a desk names the regions that a member of staff works on."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.apps import apps as site_apps
from django.contrib.auth.management import create_permissions
from django.db.models import QuerySet

VIEW, WRITE, DELETE = ("view",), ("view", "add", "change"), ("view", "add", "change", "delete")
STAFF = ("newsroom.view_proposal", "newsroom.suspend")
"""What every role may: see what waits, and take people's words out of sight at once."""

REGIONAL = ("regions.region", "regions.milestone", "testimonials.testimonial", "meetings.meeting", "meetings.document",
            "meetings.place", "regions.reading", "regions.series")  # fmt: skip
WHOLE = ("programmes.programme", "programmes.activity", "programmes.partner", "programmes.headline", "programmes.countryshare",
         "regions.country", "regions.metric", "regions.source", "regions.succession", "regions.periodlock")  # fmt: skip
WRITTEN = tuple(label for label in REGIONAL if label not in ("regions.region", "regions.series"))


def _may(actions: Iterable[str], labels: Iterable[str]) -> set[str]:
    return {f"{app}.{action}_{name}" for label in labels for app, name in [label.split(".")] for action in actions}


SEEN = _may(VIEW, (*REGIONAL, *WHOLE)) | set(STAFF)
ROLES: Mapping[str, set[str]] = {
    "Contributor": SEEN | _may(WRITE, WRITTEN) | {"regions.change_region"},
    "Editor": SEEN | _may(DELETE, WRITTEN) | _may(DELETE, WHOLE[:4]) | {
        "regions.change_region", "regions.change_country", "regions.add_source", "regions.change_source",
    },
    "Approver": SEEN | {"newsroom.approve", "newsroom.withdraw", "newsroom.view_entry"},
    "Safeguarding officer": SEEN | _may(DELETE, ("testimonials.contributor", "testimonials.consent")) | {
        "newsroom.withdraw", "newsroom.view_entry", "testimonials.change_testimonial", "testimonials.erase_testimonial",
    },
    "Administrator": SEEN | _may(DELETE, (*REGIONAL, *WHOLE, "regions.desk")) | {
        "newsroom.withdraw", "newsroom.view_entry", "auth.view_user", "auth.add_user", "auth.change_user", "auth.view_group",
    },
}  # fmt: skip
"""The permissions of each group. Nobody of them can approve what they wrote (guard.py)."""


def make_groups(apps: Any) -> None:
    """The groups with their permissions, which are made here first where migrations have not come to that yet.

    `apps`: a registry of models, as migrations get it.
    """
    named = {name.partition(".")[0] for names in ROLES.values() for name in names}
    for config in site_apps.get_app_configs():
        if config.label in named:
            create_permissions(config, verbosity=0, apps=apps)
    group_of, permissions = apps.get_model("auth", "Group").objects, apps.get_model("auth", "Permission").objects
    there = permissions.filter(content_type__app_label__in=named).select_related("content_type")
    by_name = {f"{one.content_type.app_label}.{one.codename}": one for one in there}
    for role, names in ROLES.items():
        group, _made = group_of.get_or_create(name=role)
        group.permissions.add(*(by_name[name] for name in names))


def desk_of(user: Any) -> Any:
    """The desk of a member of staff, or None (regions.models.Desk, reached by its relation)."""
    return getattr(user, "desk", None)


def is_everywhere(user: Any) -> bool:
    return user.is_superuser or bool(desk_of(user) and desk_of(user).everywhere)


def within(rows: QuerySet, user: Any, in_region: str) -> QuerySet:
    """Of rows those in the regions of somebody's desk. Without a desk there are none."""
    if is_everywhere(user):
        return rows
    desk = desk_of(user)
    return rows.filter(**{f"{in_region}__in": desk.regions.all()}) if desk else rows.none()
