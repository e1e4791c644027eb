import re
from typing import Any

from django.contrib import admin
from django.utils.translation import gettext_lazy as _
from modeltranslation.admin import TranslationAdmin

from itsci_site.lib import staff

from .models import Testimonial


class TestimonialForm(staff.RulesForm):
    def clean(self) -> dict[str, Any]:
        super().clean()
        for name in ("quote_language", "original_language"):
            if (code := self.cleaned_data.get(name)) and not re.fullmatch("[a-z]{2,3}", code):
                self.add_error(name, _("Two or three small letters, like en, fr or swa."))
        return self.cleaned_data


@admin.register(Testimonial)
class TestimonialAdmin(TranslationAdmin):
    form = TestimonialForm
    list_display = ["story_title", "region", "quote_language", "status", "publish_at", "order"]
    list_filter = ["status", "region", "quote_language"]
    list_select_related = ["region"]
    search_fields = ["quote", "story_title_en", "story_title_fr", "story_body_en", "story_body_fr"]
    autocomplete_fields = ["region"]
    prepopulated_fields = {"slug": ["story_title_en"]}
    readonly_fields = staff.STATE
    actions = [staff.publish, staff.withdraw]
    view_on_site = staff.public_address
    fieldsets = [
        (None, {"fields": ["region", "quote", "quote_language", "original_language"]}),
        (_("Story"), {"fields": ["story_title", "slug", "story_teaser", "story_body", "order"]}),
        (_("Publishing"), {"fields": staff.STATE}),
    ]
