"""The staff site as a whole. Each app registers its own models."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

admin.site.site_header = "Scaling Up ITSCI"
admin.site.site_title = "Scaling Up ITSCI"
admin.site.index_title = _("What the site shows")
