"""The cookie of Django's messages on a public site."""

import subprocess
import sys

from django.conf import settings

from tests.setup.machine import environment

SETS = """
import django
django.setup()
from django.contrib.messages import add_message, constants
from django.contrib.messages.storage import default_storage
from django.http import HttpRequest, HttpResponse
request, answer = HttpRequest(), HttpResponse()
request.session = {}
request._messages = default_storage(request)
add_message(request, constants.INFO, "a word")
request._messages.update(answer)
(cookie,) = answer.cookies.values()
print(cookie.key, cookie["secure"], cookie["httponly"], cookie["path"], cookie["domain"], cookie["samesite"])
"""


def test_no_other_host_can_set_it() -> None:
    given = {
        "HTTPS": "on",
        "SECRET_KEY": "a" * 50,
        "ALLOWED_HOSTS": "www.example.org",
        "DJANGO_SETTINGS_MODULE": "itsci_site.settings",
    }
    env = environment(**given, PYTHONPATH=str(settings.BASE_DIR))
    done = subprocess.run([sys.executable, "-c", SETS], env=env, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["__Host-messages", "True", "True", "/", "Lax"]
