"""Somebody of the staff who may do everything, signed in: prints the session's cookie as JSON, with what there is to edit."""

import json
import sys

import django

django.setup()

from django.conf import settings  # noqa: E402 - after the apps are ready
from django.contrib.auth.models import User  # noqa: E402

from regions.models import Metric, Region  # noqa: E402
from testimonials.models import Testimonial  # noqa: E402
from tests.factories import signed_in_cookie  # noqa: E402

user, _made = User.objects.get_or_create(username="alice", defaults={"is_staff": True, "is_superuser": True})
cookie = signed_in_cookie(user, "http://127.0.0.1")
found = {
    "cookie": f"{cookie['name']}={cookie['value']}",
    "csrf": settings.CSRF_COOKIE_NAME,
    "regions": list(Region.objects.values_list("pk", flat=True)),
    "metrics": list(Metric.objects.values_list("pk", flat=True)),
    "draft_page": "".join(f"/admin/regions/region/{row.pk}/change/" for row in Region.objects.filter(slug="draft-for-faults")),
    "stories": list(Testimonial.objects.published().values_list("pk", flat=True)),
}
json.dump(found, sys.stdout)
