"""The programme's content, as for pages."""

from tests.pages.conftest import as_deployed, programme, programme_loaded  # noqa: F401 - fixtures
