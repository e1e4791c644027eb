"""The programme's content, as for pages."""

from tests.pages.conftest import as_deployed, built_static, programme, programme_loaded  # noqa: F401 - fixtures
