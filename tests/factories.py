"""Rows for tests, each with the least it needs. Rows are public from PAST or a moment named; only consents, which Postgres
holds against its clock, begin yesterday.

Codes, addresses and names are told apart by a counter, so that a test names only what it is about.
"""

import re
from datetime import UTC, date, datetime, timedelta
from itertools import count
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from django_otp import DEVICE_ID_SESSION_KEY
from django_otp.plugins.otp_totp.models import TOTPDevice

from itsci_site.lib.periods import Precision
from itsci_site.lib.publishing import Status
from meetings.models import Document, Meeting, Place
from programmes.models import Activity, CountryShare, Headline, Partner, Programme
from regions.models import Country, Desk, Metric, Milestone, PeriodLock, Reading, Region, Series, Source, Succession
from testimonials.models import Consent, Contributor, Testimonial
from testimonials.models.consent import SCOPES
from testimonials.models.testimonial import FLAGS

PAST = datetime(2020, 1, 1, 12, tzinfo=UTC)
FUTURE = datetime(2999, 1, 1, 12, tzinfo=UTC)
TAKEN = {
    "CD", "RW", "BI", "KA", "MA", "SK", "NK", "LU", "TA", "HL", "HK", "M", "S", "A", "C", "G",
    "GP", "HI", "IT", "KQ", "KV", "MN", "QQ", "QZ", "UG", "ZZ", "O", "W", "X", "Y", "Z",
}  # fmt: skip
"""Codes of the programme's own content, and those that tests name."""
_numbers = (number for number in count(10_000) if not re.search(r"(19|20)\d\d", str(number)))
"""None looks like a year: tests tell days that must not show by theirs. They sort as they count."""
_codes = {1: count(), 2: count()}


def capitals(places: int) -> str:
    """The next code of so many capitals that is not taken; after the last the first again."""
    number, letters = next(_codes[places]), ""
    for _place in range(places):
        number, letter = divmod(number, 26)
        letters = chr(ord("A") + letter) + letters
    return capitals(places) if letters in TAKEN else letters


def public(at: datetime | None = PAST) -> dict[str, Any]:
    """The fields of a row that is public from a moment on; of a draft for None."""
    return {"status": Status.PUBLISHED, "publish_at": at} if at else {}


def both(**texts: tuple[str, str]) -> dict[str, str]:
    """Translated fields from (English, French)."""
    return {
        f"{name}_{language}": text for name, pair in texts.items() for language, text in zip(("en", "fr"), pair, strict=True)
    }


def make_user(username: str = "alice", staff: bool = True, superuser: bool = True, **fields: Any) -> User:
    return get_user_model().objects.create_user(username, is_staff=staff, is_superuser=superuser, **fields)


def make_desk(*regions: Region, user: User | None = None, everywhere: bool = False) -> Desk:
    desk = Desk.objects.create(user=user or make_user(f"somebody-{next(_numbers)}"), everywhere=everywhere)
    desk.regions.set(regions)
    return desk


def sign_in(client: Client, user: User) -> Client:
    """The client as that of somebody who gave a password and a code."""
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    device, _made = TOTPDevice.objects.get_or_create(user=user, defaults={"name": "app"})
    session = client.session
    session[DEVICE_ID_SESSION_KEY] = device.persistent_id
    session.save()
    return client


def signed_in_cookie(user: User, address: str) -> Any:
    """Of a session as after `sign_in`, for a browser's context at this address."""
    value = sign_in(Client(), user).cookies[settings.SESSION_COOKIE_NAME].value
    return {"name": settings.SESSION_COOKIE_NAME, "value": value, "url": address}


def make_country(**fields: Any) -> Country:
    code = capitals(2)
    texts = both(name=(f"Country {code}", f"Pays {code}"), short_name=(code, code))
    return Country.objects.create(**(dict(slug=f"country-{code.lower()}", iso_code=code) | texts | fields))


def make_region(country: Country | None = None, public_from: datetime | None = PAST, **fields: Any) -> Region:
    code = capitals(2)
    values = dict(country=country or make_country(), slug=f"region-{code.lower()}", code=code)
    texts = both(name=(f"Region {code}", f"Région {code}"))
    return Region.objects.create(**(values | texts | public(public_from) | fields))


def make_succession(predecessor: Region, successor: Region, **fields: Any) -> Succession:
    values = dict(predecessor=predecessor, successor=successor, since=date(2015, 7, 14), source="The constitution")
    return Succession.objects.create(**(values | fields))


def make_milestone(region: Region, **fields: Any) -> Milestone:
    return Milestone.objects.create(**(dict(region=region, year=2012) | both(text=("Started", "Début")) | fields))


def make_metric(**fields: Any) -> Metric:
    code = capitals(1)
    texts = both(
        name=(f"Metric {code}", f"Mesure {code}"),
        short_name=(code, code),
        definition=("What is counted", "Ce qui est compté"),
        unit=("sites", "sites"),
    )
    return Metric.objects.create(**(dict(slug=f"metric-{code.lower()}", code=code, additive=True) | texts | fields))


def make_series(region: Region | None = None, metric: Metric | None = None) -> Series:
    return Series.objects.create(region=region or make_region(), metric=metric or make_metric())


def make_source(**fields: Any) -> Source:
    number = next(_numbers)
    return Source.objects.create(**(both(name=(f"Source {number}", f"Source {number} en français")) | fields))


def make_reading(
    series: Series, value: int | None, on: date = date(2017, 1, 1), published_at: datetime | None = PAST, **fields: Any
) -> Reading:
    """A reading of the year that `on` begins; without a value it says "not reported"."""
    status = Reading.Status.NOT_REPORTED if value is None else Reading.Status.REPORTED
    period = dict(effective_on=on, precision=Precision.YEAR, source=Source.objects.first() or make_source())
    values = dict(series=series, value=value, status=status, published_at=published_at)
    return Reading.objects.create(**(values | period | fields))


def make_lock(on: date | None = None, precision: str = Precision.YEAR, **fields: Any) -> PeriodLock:
    """By default of a year of its own, long before any reading."""
    return PeriodLock.objects.create(effective_on=on or date(1900 + next(_numbers) % 90, 1, 1), precision=precision, **fields)


def correct(reading: Reading, value: int | None, published_at: datetime | None, **fields: Any) -> Reading:
    """A correction of a public reading."""
    same = dict(precision=reading.precision, source=reading.source, supersedes=reading, reason_en="A typing error")
    return make_reading(reading.series, value, reading.effective_on, published_at, **(same | fields))


def keeper() -> User:
    """Who takes consents and assesses risks."""
    return get_user_model().objects.get_or_create(username="keeper")[0]


def make_contributor(**fields: Any) -> Contributor:
    values = dict(legal_name=f"Person {next(_numbers)}", preferred_language="fr", age=Contributor.Age.ADULT)
    return Contributor.objects.create(**(values | fields))


def make_consent(contributor: Contributor | None = None, /, **fields: Any) -> Consent:
    """To everything, for as long as a high risk allows."""
    given_at = fields.pop("given_at", timezone.now().replace(microsecond=0) - timedelta(days=1))
    values = dict(how=Consent.How.WRITTEN, given_at=given_at, taken_by=keeper(), language="fr")
    term = dict(expires_on=(given_at + timedelta(days=180)).date()) if given_at else {}
    whose = {} if "contributor" in fields else dict(contributor=contributor or make_contributor())
    return Consent.objects.create(**(values | term | whose | dict.fromkeys(SCOPES, True) | fields))


def make_testimonial(region: Region | None = None, public_from: datetime | None = PAST, **fields: Any) -> Testimonial:
    """Assessed, with a consent to everything."""
    number = next(_numbers)
    values = dict(region=region or make_region(), slug=f"story-{number}", quote=f"Words of person {number}")
    texts = both(story_title=(f"Story {number}", f"Récit {number}"), story_teaser=("What it tells", "Ce que cela raconte"))
    assessed = dict(risk=Testimonial.Risk.LOW, assessed_by=keeper(), assessed_at=PAST)
    if "consent" not in fields:
        fields["consent"] = make_consent()
    if fields["consent"]:
        fields.setdefault("contributor", fields["consent"].contributor)
    made = Testimonial.objects.create(**(values | texts | assessed | public(public_from) | fields))
    made.refresh_from_db(fields=["consent_until", "withdrawn_at"])
    return made


def agree_to_all(testimonial: Testimonial) -> None:
    """Nothing of it is dangerous any more, and whoever said it agrees to everything."""
    for flag in FLAGS:
        setattr(testimonial, flag, False)
    testimonial.risk, testimonial.assessed_by, testimonial.assessed_at = "low", keeper(), PAST
    testimonial.consent = make_consent()
    testimonial.contributor, testimonial.place_precision = testimonial.consent.contributor, Testimonial.Precision.REGION
    testimonial.save()


def make_place(region: Region | None = None, **fields: Any) -> Place:
    number = next(_numbers)
    values = dict(region=region or make_region(), slug=f"place-{number}")
    return Place.objects.create(**(values | both(name=(f"Place {number}", f"Lieu {number}")) | fields))


def make_meeting(
    place: Place | None = None, held_on: date = date(2016, 3, 11), public_from: datetime | None = PAST, **fields: Any
) -> Meeting:
    number = next(_numbers)
    values = dict(place=place or make_place(), held_on=held_on, slug=f"meeting-{number}")
    texts = both(summary=(f"Summary {number}", f"Résumé {number}"))
    return Meeting.objects.create(**(values | texts | public(public_from) | fields))


def make_document(meeting: Meeting | None = None, **fields: Any) -> Document:
    """The row alone: no file is written."""
    values = dict(meeting=meeting or make_meeting(), language="fr", file="meetings/0.pdf")
    return Document.objects.create(**(values | both(title=("Minutes", "Procès-verbal")) | fields))


def make_programme(public_from: datetime | None = PAST, **fields: Any) -> Programme:
    number = next(_numbers)
    texts = {
        name: (f"English {name} {number}", f"{name} {number} français")
        for name in ("name", "strapline", "lead", "progress_lead")
    }
    return Programme.objects.create(**(dict(slug=f"programme-{number}") | both(**texts) | public(public_from) | fields))


def make_activity(programme: Programme, **fields: Any) -> Activity:
    texts = both(title=("Tagging", "Étiquetage"), text=("Bags are tagged.", "Les sacs sont étiquetés."))
    return Activity.objects.create(**(dict(programme=programme) | texts | fields))


def make_partner(programme: Programme, **fields: Any) -> Partner:
    return Partner.objects.create(
        **(dict(programme=programme, role=Partner.Role.PARTNER) | both(name=("Pact", "Pact")) | fields)
    )


def make_share(programme: Programme | None = None, **fields: Any) -> CountryShare:
    values = dict(programme=programme or make_programme(), country=make_country(), percentage=100)
    return CountryShare.objects.create(**(values | fields))


def make_headline(
    programme: Programme, metric: Metric, value: int = 100, public_from: datetime | None = PAST, **fields: Any
) -> Headline:
    """A headline for the year 2017 beside the regions' figures of its own metric."""
    values = dict(programme=programme, metric=metric, value=value, comparison=Headline.Beside.SAME, beside=metric)
    texts = both(label=("sites", "sites"), explanation=("It is not explained.", "Ce n'est pas expliqué."))
    period = dict(effective_on=date(2017, 1, 1), precision=Precision.YEAR, source=Source.objects.first() or make_source())
    return Headline.objects.create(**(values | texts | period | public(public_from) | fields))
