"""What the rules of testimonials ask of whoever fills in a form: by the name of the constraint, the field and what to do."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _

_UNNAMED = _("This can harm whoever said it: choose “anonymous” or “role”.")
_CHILD_UNNAMED = _("No child is named: choose “anonymous” or “role”.")
_CHILD_FACELESS = _("No child’s face is shown: take the photo away.")
_ERASED = _("This was erased: it stays empty.")

OF_CONSENT: Mapping[str, tuple[str, Any]] = {
    f"testimonials_consent_{name}": told
    for name, told in {
        "on_record": ("how", _("Say whose it is, when it was given, who took it and in which language.")),
        "record_held": ("how", _("Choose how it was given: from now on every consent has its record.")),
        "not_ahead": ("given_at", _("This moment has not come yet.")),
        "ends_later": ("expires_on", _("Choose a day after it was given.")),
        "not_forever": ("expires_on", _("Choose a day within 24 months.")),
        "withdrawn_after_it_was_given": ("given_at", _("It was withdrawn before that.")),
        "withdrawal_is_final": ("how", _("It was withdrawn, and stays so: enter a new consent.")),
        "never_widened": ("how", _("A testimonial rests on this: it can be cut back here. For more, enter a new consent.")),
    }.items()
}  # fmt: skip
OF_CONTRIBUTOR: Mapping[str, tuple[str, Any]] = {
    "testimonials_contributor_minor_has_guardian": ("guardian", _("Name the guardian of whoever is under 18.")),
    "testimonials_contributor_language_code": ("preferred_language", _("Two or three small letters, like en, fr or swa.")),
}

IN_WORDS: Mapping[str, tuple[str, Any]] = {
    f"testimonials_testimonial_{name}": told
    for name, told in {
        "danger_unnamed": ("attribution", _UNNAMED),
        "danger_country_only": ("place_precision", _("This can harm whoever said it: show no more than the country.")),
        "danger_faceless": ("portrait", _("This can harm whoever said it: take the photo away.")),
        "child_unnamed": ("attribution", _CHILD_UNNAMED),
        "child_faceless": ("portrait", _CHILD_FACELESS),
        "minor_unnamed": ("attribution", _CHILD_UNNAMED),
        "minor_faceless": ("portrait", _CHILD_FACELESS),
        "shown_as": ("shown_as_en", _("Give the name or the role as readers see it; leave it empty if anonymous.")),
        "quote_not_translated": ("quote", _("In its own language the quote stands word for word: empty the translation.")),
        "assessed": ("risk", _("Assess the risk first: choose low, medium or high.")),
        "has_consent": ("consent", _("Choose the consent that this rests on.")),
        "consent_is_theirs": ("consent", _("This consent was given by somebody else.")),
        "consent_lives": ("consent", _("This consent was withdrawn or has run out. Choose one that lasts.")),
        "consent_after_withdrawal": (
            "consent", _("These words were withdrawn. They need a new consent, given after that.")
        ),
        "consent_within_ceiling": (
            "consent", _("It lasts too long for this risk: at most 24 months if low, 12 if medium, 6 if high.")
        ),
        "record_held": ("consent", _("The record of this consent is not held: ask for a new one.")),
        "covers_quote": ("consent", _("It does not cover their words.")),
        "covers_web": ("consent", _("It does not cover the web.")),
        "covers_translation": ("consent", _("It does not cover a translation of their words.")),
        "covers_photo": ("consent", _("It does not cover their photo.")),
        "covers_first_name": ("consent", _("It does not cover their first name.")),
        "covers_full_name": ("consent", _("It does not cover their full name.")),
        "covers_role": ("consent", _("It does not cover their role.")),
        "covers_province": ("consent", _("It does not cover their province: show the country alone.")),
        "place_unsaid": (
            "place_precision", _("Only the country is shown, but a text or the address names the region. Take it out there.")
        ),
        "erased_stays": ("quote", _ERASED),
        "erased_is_empty": ("quote", _ERASED),
    }.items()
}  # fmt: skip
