"""The programme's real content, as the pages' tests have it."""

from tests.pages.conftest import programme as programme
from tests.pages.conftest import programme_loaded as programme_loaded
