"""The programme's content goes into an empty database as a whole, or not at all."""

import json
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from itsci_site.management.commands.load_content import FIXTURE, load
from programmes.models import Programme
from regions.models import Region

pytestmark = pytest.mark.django_db


def test_it_loads_into_an_empty_database_only() -> None:
    assert load(FIXTURE) == len(json.loads(FIXTURE.read_text()))
    Programme.objects.all().delete()
    regions = Region.objects.count()
    assert load(FIXTURE) is None  # regions alone are content
    assert (Programme.objects.count(), Region.objects.count()) == (0, regions)


@pytest.mark.parametrize(
    "bad",
    [
        {"model": "regions.region", "pk": 987654, "fields": {"no_such_field": 1}},
        {"model": "no.such_model", "pk": 1, "fields": {}},
        {"model": "regions.region", "pk": 987654, "fields": {"country": 123456789}},
    ],
)
def test_a_broken_fixture_leaves_nothing(tmp_path: Path, bad: dict[str, object]) -> None:
    broken = tmp_path / "broken.json"
    broken.write_text(json.dumps([*json.loads(FIXTURE.read_text()), bad]))
    with pytest.raises(CommandError, match=r"broken\.json could not be loaded, and nothing of it was kept: \S"):
        call_command("load_content", str(broken))
    assert not Region.objects.exists()
    assert not Programme.objects.exists()


def test_a_file_that_is_no_json_is_named(tmp_path: Path) -> None:
    broken = tmp_path / "half.json"
    broken.write_text(FIXTURE.read_text()[:500])
    with pytest.raises(CommandError, match=r"half\.json could not be loaded, and nothing of it was kept: \S"):
        call_command("load_content", str(broken))


def test_a_missing_fixture_is_named(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"There is no .*gone\.json"):
        call_command("load_content", str(tmp_path / "gone.json"))
