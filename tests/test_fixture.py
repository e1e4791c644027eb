"""The content the site opens with, against the programme's own pages: figures, dates, quotes and names, in both languages.

The expected values are typed here from the pages, not read from the fixture.
"""

import json
import re
from pathlib import Path
from typing import Any

import pytest

FIXTURE = Path(__file__).resolve().parent.parent / "fixtures" / "programme.json"
ROWS: list[dict[str, Any]] = json.loads(FIXTURE.read_text(encoding="utf-8"))

NARROW = "\u202f"  # the narrow no-break space of French
OPENED = "2026-11-23T00:00:00Z"

REGIONS = ["katanga", "maniema", "south-kivu", "north-kivu", "rwanda", "burundi"]
IN_THE_DRC = REGIONS[:4]
FIGURES = {  # miners, mine sites, committees
    "katanga": (17466, 272, 9),
    "maniema": (5512, 276, 7),
    "south-kivu": (4066, 83, 11),
    "north-kivu": (8214, 117, 8),
    "rwanda": (15904, 893, 1),
    "burundi": (3304, 49, 2),
}
MEASURES = ["miners", "mine-sites", "committees"]
HEADLINES = [  # metric, value, comparison, metric beside
    ("miners", 54836, "same", "miners"),
    ("active-mine-sites", 727, "other", "mine-sites"),
    ("committees", 39, "same", "committees"),
    ("government-agents", 672, "none", None),
]
QUOTES = [
    ("burundi", "We used to work secretly and we were always afraid that the police would arrest us"),
    (
        "rwanda",
        "I am proud to be a model of empowerment and show others that it is possible for women to work hard and earn well "
        "in the mine",
    ),
    ("katanga", "I understood that my place was not in the pits, but on a school bench"),
    (
        "maniema",
        "Now, all members of our Provincial Monitoring Committee will be able to collect information on incidents, report "
        "back, and take action",
    ),
    (
        "south-kivu",
        "With the Occupational Health and Safety Committee now in place, we have changed our working habits to lower "
        "dangers in the pits",
    ),
    (
        "north-kivu",
        "WORTH will strengthen cohesion amongst people in my village. It will help them go forward and empower them to "
        "better support themselves",
    ),
]
MEETINGS = {  # the pages write 03/11/2016, 03/04/2016, 03/01/2016 and 01/29/2016: month first
    "kalemie-2016-03-11": ("katanga", "Kalemie", "2016-03-11"),
    "nyabibwe-2016-03-04": ("south-kivu", "Nyabibwe", "2016-03-04"),
    "kasese-2016-03-01": ("maniema", "Kasese", "2016-03-01"),
    "nyabibwe-2016-01-29": ("south-kivu", "Nyabibwe", "2016-01-29"),
}
MEETING_NAMES = {"kalemie-2016-03-11": {"Kalemie", "Djimbwe"}, "kasese-2016-03-01": {"Kasese"}}

# What the pages say of each place, word for word.
PAGES = {
    "dr-congo": """In the DRC, the ITSCI system operates in four provinces in close collaboration with
        government services under the Ministry of Energy and Mines. Over 35,000 miners in these areas now have access to
        the international market to sell their 3T conflict-free minerals and reap the benefits of their work with
        families and communities.""",
    "katanga": """Recently divided into four provinces (Tanganyika, Haut-Lomami, Haut-Katanga and Lualaba),
        Katanga is the largest ITSCI project area with more miners than any other project area and largest production of
        3Ts in the DRC. Besides supporting the implementation of the ITSCI program in areas within the four new
        provinces, Scaling up ITSCI strengthens data collection systems for traceability, provides capacity building for
        local NGO partners, government agents, local businesses as well as miners through due diligence trainings. WORTH
        for miners has also been implemented in the Manono area, and complements current Pact work on child labor in the
        area.""",
    "maniema": """Many of Maniema's mining sites are found in remote areas, and due to inadequate
        infrastructure and poor conditions of roads, access to these sites continues to be a major challenge for
        Maniema's mining sector. Since the start of the ITSCI system in the province in 2012, the number of active sites
        has increased, unlocking the potential of ASM in the province and improving the lives of more than 5,000 miners.""",
    "south-kivu": """ITSCI's first pilot program started in South Kivu in 2010. However, when the Dodd-Frank
        Act was passed and DRC President Joseph Kabila ordered a suspension of all artisanal mining activities in the
        Kivus, the project had to be halted temporarily. It was only in 2012, thanks to the Conflict-Free Tin Initiative
        (CFTI), that ITSCI resumed in the Kivus. CFTI has been instrumental in showing end users that conflict-free
        minerals could be sourced from areas in Eastern Congo. Since then, the Scaling Up ITSCI project has helped in
        the expansion of the ITSCI program, including the territory of Shabunda, known for its mining potential despite
        the current volatile security situation in the area.""",
    "north-kivu": """North Kivu was at the heart of the advocacy campaign that led to the adoption of section
        1502 of the Dodd-Frank Act on conflict minerals, an unintended consequence of which was that tens of thousands
        of miners lost their livelihoods. Starting activities in the volatile province in March 2014 was one of the
        biggest achievements of the ITSCI program, since it demonstrated that conflict-free minerals could be sourced
        from this province. Thanks to the Scaling up ITSCI project, since 2015, mines in the territories of Walikale and
        Lubero have been added to the program, ensuring that mining communities can sustain their livelihoods in a more
        peaceful environment. WORTH for miners has also been implemented in Rubaya and it is helping women and men in
        mining communities start their savings and improve their livelihoods.""",
    "rwanda": """In Rwanda, implementation of the ITSCI system began in 2011 and covers the entire country.
        Since then, national law and policies have been passed that ensure all minerals exported must be traced. To
        date, ITSCI is the only scaled-up traceability and due diligence system in the country. Thanks to ITSCI, close
        to 16,000 miners’ livelihoods are protected. ITSCI works closely with government employees from the Rwanda
        Mines, Petroleum and Gas Board, and is assisting with trainings encompassing traceability, due diligence,
        occupational health and safety. ITSCI is also piloting electronic data collection in Rwanda.""",
    "burundi": """In Burundi, implementation of the ITSCI system began in 2014 and covers the entire country.
        Political and security uncertainties in Burundi led to the project stalling in 2015 and 2016. Thanks to support
        from the ‘Scaling up ITSCI’ project, ITSCI remained operational during 2015 and 2016 amidst political and
        security instability, albeit at a reduced level of activity. Burundi’s revision of the Mining Code and related
        regulations, however, has led to renewed dynamism in the mining sector, and more formalization of ASM operations
        late 2016 and 2017.""",
}
# Names of the French texts whose English differs.
ENGLISH_OF = {
    "Énergie": "Energy",
    "État": "government",
    "Nord-Kivu": "North",
    "Office": "Board",
    "ONG": "NGO",
    "RDC": "DRC",
    "Sud-Kivu": "South",
}
FRENCH_OF = {
    "act": "loi",
    "board": "office",
    "drc": "rdc",
    "eastern": "est",
    "energy": "énergie",
    "march": "mars",
    "mining": "minier",
    "ministry": "ministère",
    "ngo": "ong",
    "north": "nord",
    "president": "président",
    "south": "sud",
}
SPELT_OUT = {"asm"}  # "artisanal and small-scale mining" in our texts


def rows(model: str) -> list[dict[str, Any]]:
    return [row for row in ROWS if row["model"] == model]


def by_pk(model: str) -> dict[int, dict[str, Any]]:
    return {row["pk"]: row["fields"] for row in rows(model)}


def by_slug(model: str) -> dict[str, dict[str, Any]]:
    return {row["fields"]["slug"]: row["fields"] for row in rows(model)}


def slugs(model: str) -> dict[int, str]:
    return {pk: fields["slug"] for pk, fields in by_pk(model).items()}


def readings() -> dict[tuple[str, str], dict[str, Any]]:
    """Every reading by its region and metric."""
    series, regions, metrics = by_pk("regions.series"), slugs("regions.region"), slugs("regions.metric")
    found = {}
    for row in rows("regions.reading"):
        pair = series[row["fields"]["series"]]
        found[regions[pair["region"]], metrics[pair["metric"]]] = row["fields"]
    return found


def texts(language: str) -> list[tuple[str, str]]:
    """Every text in a language, with where it stands."""
    return [
        (f"{row['model']} {row['pk']} {name}", value)
        for row in ROWS
        for name, value in row["fields"].items()
        if name.endswith(f"_{language}") and value
    ]


def everything() -> str:
    return "\n".join(value for row in ROWS for value in row["fields"].values() if isinstance(value, str))


def numbers(text: str) -> set[str]:
    """The numbers of a text, without the marks that part thousands."""
    return set(re.findall(r"\d+", re.sub(r"(?<=\d)[,\u202f\u00a0](?=\d{3}(?!\d))", "", text)))


def names(text: str) -> set[str]:
    """The capitalised words of a text, but not those that only begin a sentence or a line."""
    beginning = re.compile(r"(?:^|\n|[.?!] )(?:\w’)?$")
    found = re.finditer(r"(?<![\w-])[A-ZÀ-Ý][\w-]*", text)
    return {word.group() for word in found if not beginning.search(text[: word.start()])}


def words(text: str) -> set[str]:
    return {word.lower() for word in re.findall(r"[\w-]+", text)}


def page(slug: str) -> str:
    return " ".join(PAGES[slug].split())


def milestones(slug: str) -> list[dict[str, Any]]:
    regions = slugs("regions.region")
    return [row["fields"] for row in rows("regions.milestone") if regions[row["fields"]["region"]] == slug]


def narrative(slug: str, language: str) -> str:
    """The running text of a region, or of the one country that has its own."""
    if slug == "dr-congo":
        return by_slug("regions.country")[slug][f"introduction_{language}"]
    return by_slug("regions.region")[slug][f"narrative_{language}"]


def place_texts(slug: str, language: str) -> str:
    """All that the fixture says of a place."""
    if slug == "dr-congo":
        return narrative(slug, language)
    lead = by_slug("regions.region")[slug][f"lead_{language}"]
    return "\n".join([lead, narrative(slug, language), *(step[f"text_{language}"] for step in milestones(slug))])


def test_every_regional_figure_is_the_published_one() -> None:
    expected = {(region, MEASURES[place]): value for region, row in FIGURES.items() for place, value in enumerate(row)}
    assert {pair: reading["value"] for pair, reading in readings().items()} == expected
    assert len(rows("regions.series")) == len(rows("regions.reading")) == 18


def test_every_headline_is_the_published_one() -> None:
    metrics = slugs("regions.metric")
    found = [
        (metrics[fields["metric"]], fields["value"], fields["comparison"], metrics.get(fields["beside"]))
        for fields in by_pk("programmes.headline").values()
    ]
    assert found == HEADLINES


def test_the_difference_of_a_headline_is_not_explained_away() -> None:
    explanations = {row["fields"]["value"]: row["fields"]["explanation_en"] for row in rows("programmes.headline")}
    assert "The source does not explain it." in explanations[54836]
    assert "The source does not explain it." in explanations[39]
    assert "Not broken down by region" in explanations[672]
    assert not any(numbers(text) for text in explanations.values()), "the page works these out"


def test_the_regions_add_up_as_the_pages_are_read() -> None:
    values = {pair: reading["value"] for pair, reading in readings().items()}
    assert [sum(values[region, measure] for region in REGIONS) for measure in MEASURES] == [54466, 1690, 38]
    assert [sum(values[region, measure] for region in IN_THE_DRC) for measure in MEASURES] == [35258, 748, 35]


@pytest.mark.parametrize("model", ["regions.reading", "programmes.headline"])
def test_no_figure_claims_a_date_the_pages_do_not_give(model: str) -> None:
    for row in rows(model):
        fields = row["fields"]
        assert (fields["effective_on"], fields["precision"]) == ("2017-01-01", "year")
        assert (fields["period_note_en"], fields["period_note_fr"]) == ("date not stated", "date non précisée")
        assert fields["source"] == 1


def test_the_six_quotes_stand_word_for_word() -> None:
    regions = slugs("regions.region")
    said = sorted(rows("testimonials.testimonial"), key=lambda row: row["fields"]["order"])
    assert [(regions[row["fields"]["region"]], row["fields"]["quote"]) for row in said] == QUOTES
    assert {row["fields"]["quote_language"] for row in said} == {"en"}


def test_what_the_pages_do_not_tell_of_a_quote_stays_empty() -> None:
    for row in rows("testimonials.testimonial"):
        fields = row["fields"]
        assert not any(name.startswith("quote_") and name != "quote_language" for name in fields)
        assert fields["original_language"] == fields["story_body_en"] == fields["story_body_fr"] == ""


def test_meetings_have_the_dates_and_places_of_the_pages() -> None:
    places, regions = by_pk("meetings.place"), slugs("regions.region")
    meetings = by_slug("meetings.meeting")
    found = {
        slug: (regions[places[fields["place"]]["region"]], places[fields["place"]]["name_en"], fields["held_on"])
        for slug, fields in meetings.items()
    }
    assert found == MEETINGS
    assert all(fields["is_excerpt"] for fields in meetings.values())
    assert [slug for slug, fields in meetings.items() if fields["sensitivity"] != "none"] == ["kalemie-2016-03-11"]
    assert all(fields["from_source"] for fields in meetings.values())
    assert rows("meetings.document") == []


@pytest.mark.parametrize("slug", MEETINGS)
@pytest.mark.parametrize("language", ["en", "fr"])
def test_a_summary_names_only_places_the_pages_name(slug: str, language: str) -> None:
    fields = by_slug("meetings.meeting")[slug]
    text = f"{fields[f'topics_{language}']}\n{fields[f'summary_{language}']}"
    assert names(text) == MEETING_NAMES.get(slug, set())
    assert numbers(text) == set()


def test_the_two_nyabibwe_meetings_share_the_one_text_the_pages_give() -> None:
    meetings = by_slug("meetings.meeting")
    march, january = meetings["nyabibwe-2016-03-04"], meetings["nyabibwe-2016-01-29"]
    assert all(march[name] == january[name] for name in ("topics_en", "topics_fr", "summary_en", "summary_fr"))


def test_topics_are_one_a_line_and_as_many_in_both_languages() -> None:
    for fields in by_slug("meetings.meeting").values():
        english, french = fields["topics_en"].splitlines(), fields["topics_fr"].splitlines()
        assert len(english) == len(french) > 1
        assert all(line == line.strip() != "" for line in english + french)


def test_all_is_public_from_the_day_the_site_opened_but_the_successors_of_katanga() -> None:
    drafts = {"tanganyika", "haut-lomami", "haut-katanga", "lualaba"}
    for row in ROWS:
        fields = row["fields"]
        if "status" in fields and row["model"] != "regions.reading":
            expected = ("draft", None) if fields.get("slug") in drafts else ("published", OPENED)
            assert (fields["status"], fields["publish_at"]) == expected, row
    assert {reading["published_at"] for reading in readings().values()} == {OPENED}


def test_the_successors_of_katanga_hold_nothing_to_show() -> None:
    regions = by_pk("regions.region")
    successors = [row["fields"]["successor"] for row in rows("regions.succession")]
    assert [regions[pk]["name_en"] for pk in successors] == ["Tanganyika", "Haut-Lomami", "Haut-Katanga", "Lualaba"]
    for pk in successors:
        assert regions[pk]["outline"] is None
        assert regions[pk]["narrative_en"] == regions[pk]["lead_en"] == ""
    assert {row["fields"]["region"] for row in rows("regions.series")}.isdisjoint(successors)


@pytest.mark.parametrize("slug", REGIONS)
def test_every_region_has_an_outline(slug: str) -> None:
    outline = by_slug("regions.region")[slug]["outline"]
    assert outline["type"] == "Polygon"
    for ring in outline["coordinates"]:
        assert ring[0] == ring[-1]
        assert all(20 < longitude < 35 and -15 < latitude < 3 for longitude, latitude in ring)


def test_each_region_has_its_own_word_and_a_story() -> None:
    regions = slugs("regions.region")
    assert sorted(regions[row["fields"]["region"]] for row in rows("testimonials.testimonial")) == sorted(REGIONS)
    assert by_pk("programmes.programme")[1]["regions"] == [pk for pk, slug in regions.items() if slug in REGIONS]


def test_every_text_stands_in_both_languages() -> None:
    translated = 0
    for row in ROWS:
        for name, value in row["fields"].items():
            if name.endswith("_en"):
                french = row["fields"][f"{name.removesuffix('_en')}_fr"]
                assert bool(value) == bool(french), f"{row['model']} {row['pk']} {name}"
                translated += bool(value)
    assert translated > 150


def test_texts_are_translated_not_copied() -> None:
    same_in_both = {"name", "short_name"}  # Rwanda, Kalemie, WORTH
    for row in ROWS:
        for name, value in row["fields"].items():
            if name.endswith("_en") and value and name.removesuffix("_en") not in same_in_both:
                assert row["fields"][f"{name.removesuffix('_en')}_fr"] != value, value


def test_both_languages_give_the_same_numbers() -> None:
    english, french = dict(texts("en")), dict(texts("fr"))
    for place, text in english.items():
        assert numbers(text) == numbers(french[place.removesuffix("en") + "fr"]), place


@pytest.mark.parametrize("slug", PAGES)
@pytest.mark.parametrize("language", ["en", "fr"])
def test_a_place_keeps_the_numbers_of_its_page_and_adds_none(slug: str, language: str) -> None:
    assert numbers(narrative(slug, language)) == numbers(place_texts(slug, language)) == numbers(page(slug))


@pytest.mark.parametrize("slug", PAGES)
def test_a_place_keeps_the_names_of_its_page(slug: str) -> None:
    expected = {name.lower() for name in names(page(slug))} - SPELT_OUT
    assert expected - words(narrative(slug, "en")) == set()
    french = narrative(slug, "fr")
    in_french = words(french) | words(french.replace("-", " "))
    assert {name for name in expected if {name, FRENCH_OF.get(name, name)}.isdisjoint(in_french)} == set()


@pytest.mark.parametrize("slug", PAGES)
def test_a_place_adds_no_name_to_its_page(slug: str) -> None:
    found = names(place_texts(slug, "en")) | {ENGLISH_OF.get(name, name) for name in names(place_texts(slug, "fr"))}
    assert {name for name in found if name.lower() not in words(page(slug))} == set()


@pytest.mark.parametrize("slug", REGIONS)
def test_a_dated_step_is_dated_by_the_page(slug: str) -> None:
    steps = milestones(slug)
    assert steps
    assert {str(step["year"]) for step in steps if step["year"]} <= numbers(page(slug))
    years = [step["year"] for step in steps if step["year"]]
    assert years == sorted(years)
    assert [step["order"] for step in steps] == list(range(1, len(steps) + 1))


def test_the_two_kivus_keep_what_each_page_says_of_the_start() -> None:
    regions = by_slug("regions.region")
    assert "2012" in regions["south-kivu"]["narrative_en"] and "in the Kivus" in regions["south-kivu"]["narrative_en"]
    assert "March 2014" in regions["north-kivu"]["narrative_en"] and "2012" not in regions["north-kivu"]["narrative_en"]
    assert "mars 2014" in regions["north-kivu"]["narrative_fr"]


def test_the_introduction_keeps_what_the_project_does_and_with_whom() -> None:
    activities = " ".join(row["fields"]["text_en"] for row in rows("programmes.activity"))
    for part in (
        "due diligence", "living and production standards", "occupational health and safety", "men and women miners",
        "literacy", "savings", "small business development",
    ):  # fmt: skip
        assert part in activities
    programme = by_slug("programmes.programme")["scaling-up-itsci"]
    for part in ("governments of the region", "government of the Netherlands", "international 3T industry"):
        assert part in programme["progress_lead_en"]
    donors = [row["fields"]["name_en"] for row in rows("programmes.partner") if row["fields"]["role"] == "donor"]
    assert donors == ["Government of the Netherlands"]


def test_a_name_that_looks_wrong_stands_as_the_pages_write_it_and_says_so() -> None:
    ministry = next(row["fields"] for row in rows("programmes.partner") if "Ministry" in row["fields"]["name_en"])
    assert ministry["name_en"] == "DRC Ministry of Energy and Mines"
    assert "Named as the source writes it" in ministry["note_en"]


def test_nothing_breaks_off() -> None:
    assert "…" not in everything()
    assert "..." not in everything()


def test_sentences_end() -> None:
    whole = ("narrative", "introduction", "summary", "definition", "explanation", "lead", "note")
    for row in ROWS:
        for name, value in row["fields"].items():
            field = name.rpartition("_")[0]
            if value and name.endswith(("_en", "_fr")) and field in (*whole, "progress_lead"):
                assert all(part.endswith(".") for part in value.split("\n\n")), f"{row['model']} {row['pk']} {name}"


def test_nothing_shouts_and_nothing_leads_to_a_person() -> None:
    text = everything()
    assert "!" not in text
    assert "@" not in text
    assert not re.search(r"\+\d|\d[\d ().-]{6,}\d", re.sub(r"\d{4}-\d{2}-\d{2}(T[\d:]+Z)?", "", text))
    assert "http" not in text


def test_dates_in_texts_name_the_month() -> None:
    for place, text in texts("en") + texts("fr"):
        assert not re.search(r"\d{1,2}[/.-]\d{1,2}[/.-]\d{2,4}", text), place


def test_english_is_set_as_english() -> None:
    for place, text in texts("en"):
        assert "'" not in text and '"' not in text, place
        assert not re.search(rf"[«»{NARROW}\u00a0]|  | [,.;:?]|\d{{5}}", text), place


def test_french_is_set_as_french() -> None:
    for place, text in texts("fr"):
        assert "'" not in text and '"' not in text and "“" not in text, place
        assert not re.search(rf"(?<!{NARROW})[;:?»]|«(?!{NARROW})|\u00a0|  | [,.]|\d[ ,]\d{{3}}", text), place
        assert not re.search(r"\d{5}", text), place


@pytest.mark.parametrize(
    ("english", "french"),
    [
        ("South Kivu", "Sud-Kivu"),
        ("North Kivu", "Nord-Kivu"),
        ("due diligence", "devoir de diligence"),
        ("mine sites", "sites miniers"),
        ("local stakeholder committees", "comités locaux des parties prenantes"),
    ],
)
def test_one_term_has_one_french(english: str, french: str) -> None:
    translations = dict(texts("fr"))
    for place, text in texts("en"):
        if english.lower() in text.lower():
            assert french.lower() in translations[place.removesuffix("en") + "fr"].lower(), place
