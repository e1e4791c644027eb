"""The cast of the newsroom works here, too."""

from tests.newsroom.conftest import alice, alices, bob, bobs, opened  # noqa: F401 - fixtures
