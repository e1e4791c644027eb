"""The cast of the newsroom: Alice writes, Bob approves, Carol looks on. The register is open: its rules hold."""

import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.test import Client

from itsci_site.lib.newsroom.guard import open_register
from itsci_site.lib.newsroom.roles import make_groups
from regions.models import Region
from tests import factories as make

from .desk import before_opening


@pytest.fixture
def alice(db: None) -> User:
    return make.make_user("alice")


@pytest.fixture
def bob(db: None) -> User:
    return make.make_user("bob")


@pytest.fixture
def opened(db: None) -> None:
    make_groups(apps)  # tests that commit are cleaned of what migrations made
    open_register()


@pytest.fixture
def region(opened: None) -> Region:
    """Public, with a milestone."""
    with before_opening():
        region = make.make_region(lead_en="As readers know it", lead_fr="Comme on le connaît")
        make.make_milestone(region)
    return region


def signed_in(user: User) -> Client:
    return make.sign_in(Client(), user)


@pytest.fixture
def alices(alice: User) -> Client:
    return signed_in(alice)


@pytest.fixture
def bobs(bob: User) -> Client:
    return signed_in(bob)
