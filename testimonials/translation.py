from modeltranslation.translator import TranslationOptions, register

from .models import Testimonial


@register(Testimonial)
class TestimonialTranslation(TranslationOptions):
    # The quote is not among them: it stands in the language it was published in. `words` are what stands in its place.
    fields = ["story_title", "story_teaser", "story_body", "portrait_alt", "words", "shown_as"]
