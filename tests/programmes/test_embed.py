"""One figure in a frame on somebody else's page: the only addresses of the site that may be framed."""

import pytest
from django.test import Client

from programmes.models import Headline
from regions.models import Metric, Region
from tests import factories
from tests.pages import facts, markup

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("programme")]
OTHERS = (
    "/",
    "/progress/",
    "/progress/miners/",
    "/progress/changes/",
    "/where-we-work/katanga/",
    "/embed/atlantis/",
    "/embed/",
)


def embedded(client: Client, address: str) -> tuple[str, str, str, str]:
    """Code, figure, label and the link of the one tag."""
    page = markup.parse(client.get(address).content)
    tag = page.one("div", "tag")
    link = tag.one("a")
    assert link["target"] == "_top", "a page of the site refuses the frame it would open in"
    return tag.one("dd", "id").text, tag.one("dd", "fig").text, tag.one("dt").text, link["href"]


def test_the_whole_and_a_region(client: Client) -> None:
    assert embedded(client, "/embed/miners/") == ("ALL-M", "54,836", "men and women miners", "/progress/miners/#all-m")
    label = "Miners working in ITSCI sites, Katanga"
    assert embedded(client, "/embed/miners/katanga/") == ("KA-M", "17,466", label, "/progress/miners/#ka-m")
    french = embedded(client, "/fr/embed/committees/south-kivu/")
    assert french[1:3] == ("11", "Comités locaux des parties prenantes appuyés, Sud-Kivu")
    assert french[3] == "/fr/progress/committees/#sk-c"


def test_it_says_of_when_it_speaks(client: Client) -> None:
    for address in ("/embed/miners/", "/embed/miners/katanga/", "/embed/mine-sites/"):
        assert "2017, date not stated" in client.get(address).text


def test_a_sum_says_that_it_is_one(client: Client) -> None:
    sites = "Mine sites within the ITSCI system"
    assert embedded(client, "/embed/mine-sites/") == ("ALL-S", "1,690", sites, "/progress/mine-sites/#all-s")
    assert "the regions’ sum" in client.get("/embed/mine-sites/").text
    assert markup.parse(client.get("/progress/mine-sites/").content).by_id("all-s").texts("span", "n") == ["1,690"]


@pytest.mark.parametrize("address", ["/embed/miners/", "/embed/miners/katanga/", "/fr/embed/miners/"])
def test_any_site_may_frame_it(client: Client, address: str) -> None:
    headers = client.get(address).headers
    assert "X-Frame-Options" not in headers
    policy = dict(part.split(" ", 1) for part in headers["Content-Security-Policy"].split("; "))
    assert policy["frame-ancestors"] == "*"
    assert policy["default-src"] == "'none'" and "script-src" not in policy
    assert headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert "Set-Cookie" not in headers


@pytest.mark.parametrize("address", OTHERS)
def test_nothing_else_may_be_framed(client: Client, address: str) -> None:
    headers = client.get(address).headers
    assert headers["X-Frame-Options"] == "DENY"
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"


def test_it_is_small_and_kept_out_of_search_engines(client: Client) -> None:
    answer = client.get("/embed/miners/katanga/")
    page = markup.parse(answer.content)
    assert [meta["content"] for meta in page.all("meta") if meta.attributes.get("name") == "robots"] == ["noindex"]
    assert page.all("script") == page.all("form") == page.all("img") == []
    assert len(answer.content) < 1500
    assert page.one("html")["lang"] == "en" and page.one("title").text


@pytest.mark.parametrize(
    "address", ["/embed/atlantis/", "/embed/miners/atlantis/", "/embed/government-agents/katanga/", "/embed/miners/hidden/"]
)
def test_what_is_not_published_cannot_be_embedded(client: Client, address: str) -> None:
    hidden = factories.make_region(Region.objects.get(slug="rwanda").country, None, slug="hidden")
    factories.make_reading(factories.make_series(hidden, Metric.objects.get(slug="miners")), 66_777)
    assert client.get(address).status_code == 404


def test_a_withdrawn_headline_is_not_embedded(client: Client) -> None:
    Headline.objects.update(status="withdrawn")
    assert embedded(client, "/embed/miners/")[1] == "54,466"
    assert client.get("/embed/government-agents/").status_code == 404


@pytest.mark.parametrize("language", facts.LANGUAGES)
def test_the_figure_page_gives_the_html_to_copy(client: Client, language: str) -> None:
    prefix = "/fr" if language == "fr" else ""
    page = markup.parse(client.get(f"{prefix}/progress/miners/").content)
    codes = [code.text for code in page.by_id("use").all("code")]
    assert len(codes) == 1 + len(facts.REGIONS) and page.all("iframe") == []
    name = getattr(Metric.objects.get(slug="miners"), f"name_{language}")
    for text, place in zip(codes, ["", *facts.REGIONS], strict=True):
        frame = markup.parse(text).one("iframe")
        slug, called = (f"{place.slug}/", f", {place.names[language]}") if isinstance(place, facts.Region) else ("", "")
        assert frame["src"] == f"http://testserver{prefix}/embed/miners/{slug}"
        assert frame["title"] == f"Scaling Up ITSCI: {name}{called}"
        assert client.get(frame["src"]).status_code == 200


def test_a_name_cannot_break_out_of_the_html_to_copy(client: Client) -> None:
    Metric.objects.filter(slug="miners").update(name_en='"><script>alert(1)</script>')
    page = markup.parse(client.get("/progress/miners/").content)
    assert page.all("script") == []
    frame = markup.parse(page.by_id("use").all("code")[0].text)
    assert frame.all("script") == [] and frame.one("iframe")["title"] == 'Scaling Up ITSCI: "><script>alert(1)</script>'
