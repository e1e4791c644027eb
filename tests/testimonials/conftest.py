"""Photos are read in this process."""

from tests.in_process import reads_here  # noqa: F401 - a fixture
