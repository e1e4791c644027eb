"""The WSGI entry that gunicorn loads."""

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "itsci_site.settings")
django.setup(set_prefix=False)

from itsci_site.cached import cached  # noqa: E402 - after the apps are ready
from itsci_site.readable import Application  # noqa: E402

application = cached(Application())
