"""Makes what the acts are about."""

import django

django.setup()

from tests.faults.acts import prepare  # noqa: E402 - after the apps are ready

prepare()
