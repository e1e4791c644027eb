"""The source's figures, names, dates and quotes, typed from it by hand. Pages are held against these."""

from dataclasses import dataclass

LANGUAGES = ("en", "fr")
NARROW = "\N{NARROW NO-BREAK SPACE}"
DASH = "\N{EN DASH}"
MINUS = "\N{MINUS SIGN}"


@dataclass(frozen=True)
class Region:
    slug: str
    code: str
    names: dict[str, str]
    figures: tuple[int, int, int]
    """Miners, mine sites within the ITSCI system, local stakeholder committees."""
    quote: str


KATANGA = Region(
    "katanga", "KA", {"en": "Katanga", "fr": "Katanga"}, (17_466, 272, 9),
    "I understood that my place was not in the pits, but on a school bench",
)  # fmt: skip
MANIEMA = Region(
    "maniema", "MA", {"en": "Maniema", "fr": "Maniema"}, (5_512, 276, 7),
    "Now, all members of our Provincial Monitoring Committee will be able to collect information on incidents, report back, "
    "and take action",
)  # fmt: skip
SOUTH_KIVU = Region(
    "south-kivu", "SK", {"en": "South Kivu", "fr": "Sud-Kivu"}, (4_066, 83, 11),
    "With the Occupational Health and Safety Committee now in place, we have changed our working habits to lower dangers "
    "in the pits",
)  # fmt: skip
NORTH_KIVU = Region(
    "north-kivu", "NK", {"en": "North Kivu", "fr": "Nord-Kivu"}, (8_214, 117, 8),
    "WORTH will strengthen cohesion amongst people in my village. It will help them go forward and empower them to better "
    "support themselves",
)  # fmt: skip
RWANDA = Region(
    "rwanda", "RW", {"en": "Rwanda", "fr": "Rwanda"}, (15_904, 893, 1),
    "I am proud to be a model of empowerment and show others that it is possible for women to work hard and earn well "
    "in the mine",
)  # fmt: skip
BURUNDI = Region(
    "burundi", "BI", {"en": "Burundi", "fr": "Burundi"}, (3_304, 49, 2),
    "We used to work secretly and we were always afraid that the police would arrest us",
)  # fmt: skip

REGIONS = (KATANGA, MANIEMA, SOUTH_KIVU, NORTH_KIVU, RWANDA, BURUNDI)
PROVINCES = REGIONS[:4]
QUOTES_IN_ORDER = (BURUNDI, RWANDA, KATANGA, MANIEMA, SOUTH_KIVU, NORTH_KIVU)
BY_MINERS = (KATANGA, RWANDA, NORTH_KIVU, MANIEMA, SOUTH_KIVU, BURUNDI)

CONGO = {"en": "DR Congo", "fr": "RD Congo"}
CONGO_TOTALS = (35_258, 748, 35)
WHOLE = {"en": "Six regions", "fr": "Six régions"}
TOTALS = (54_466, 1_690, 38)

# Code of the tag, published headline, sum of the regions, headline less sum.
HEADLINES = (("ALL-M", 54_836, 54_466, 370), ("ALL-A", 727, 1_690, None), ("ALL-C", 39, 38, 1), ("ALL-G", 672, None, None))
SHARES = {"en": "0.7%", "fr": f"0,7{NARROW}%"}
AS_OF = {"en": "2017, date not stated", "fr": "2017, date non précisée"}

# Newest first: place, region, day for machines, day in words.
MEETINGS = (
    ("Kalemie", KATANGA, "2016-03-11", {"en": "11 March 2016", "fr": "11 mars 2016"}),
    ("Nyabibwe", SOUTH_KIVU, "2016-03-04", {"en": "4 March 2016", "fr": "4 mars 2016"}),
    ("Kasese", MANIEMA, "2016-03-01", {"en": "1 March 2016", "fr": "1er mars 2016"}),
    ("Nyabibwe", SOUTH_KIVU, "2016-01-29", {"en": "29 January 2016", "fr": "29 janvier 2016"}),
)


def printed(value: int, language: str) -> str:
    """54,836 in English, 54 836 with narrow no-break spaces in French."""
    return f"{value:,}".replace(",", "," if language == "en" else NARROW)


def printed_all(values: tuple[int, ...], language: str) -> list[str]:
    return [printed(value, language) for value in values]
