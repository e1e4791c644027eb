"""The cast of the newsroom works here, too, and PDFs are read in this process."""

from tests.in_process import reads_here  # noqa: F401 - a fixture
from tests.newsroom.conftest import alice, alices, bob, bobs, opened  # noqa: F401 - fixtures
