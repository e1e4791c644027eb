"""Where names stand on the map of the regions."""

from regions.maps import _room


def test_a_name_stands_where_there_is_most_room() -> None:
    """A land like a U, whose centroid lies in the water between its arms: the name goes to the wider one."""
    ring = [(0, 0), (40, 0), (40, 60), (90, 60), (90, 0), (210, 0), (210, 80), (0, 80), (0, 0)]
    x, y = _room(ring)
    assert 0 < y < 60
    assert x == 150
