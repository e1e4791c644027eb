import pytest

from .cast import Cast, cast


@pytest.fixture
def figures(db: None) -> Cast:
    return cast()
