"""The site's settings as tests need them, so that plain `pytest` works without .env."""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

os.environ.setdefault("SECRET_KEY", "only-for-tests-" + "0123456789" * 5)
os.environ.setdefault("ALLOWED_HOSTS", "localhost,127.0.0.1,testserver")
os.environ.setdefault("HTTPS", "off")
os.environ.setdefault("DATABASE_URL", "")  # the embedded server, whatever .env says
os.environ.setdefault("MEDIA_S3", "")  # and a folder

from itsci_site.lib import localdb
from itsci_site.settings import *  # noqa: F403 - all of it, after the environment is set
from itsci_site.settings import BASE_DIR
from itsci_site.settings import DATABASES as SITE_DATABASES
from itsci_site.settings import INSTALLED_APPS as SITE_APPS
from itsci_site.settings import STORAGES as SITE_STORAGES

# A server of their own, which may forget everything (tests/conftest.py). One that DATABASE_URL names stays as it is.
OWN = {"default": localdb.database(BASE_DIR / ".local" / "tests")} if "LOCAL_HOME" in SITE_DATABASES["default"] else {}
DATABASES = SITE_DATABASES | OWN
INSTALLED_APPS = [*SITE_APPS, "django_migration_linter"]
# Pages can be asked for without collecting static files first; the real storage has tests of its own.
STORAGES = SITE_STORAGES | {"staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}}
OWN_FOLDER = Path(tempfile.gettempdir()) / f"itsci-tests-{os.getpid()}"  # never the site's own, nor another worker's
LEDGER, OFFLINE_ROOT = OWN_FOLDER / "ledger", OWN_FOLDER / "offline"
STATIC_ROOT = OWN_FOLDER / "static"  # of which there is none: each test's client would read all that the site has collected
atexit.register(shutil.rmtree, OWN_FOLDER, ignore_errors=True)
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # quick; no password of a test is worth guarding
