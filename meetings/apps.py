from django.apps import AppConfig


class MeetingsConfig(AppConfig):
    name = "meetings"
    verbose_name = "Meeting summaries"
    keeps_trail = True
    notes_for_ledger = (("meetings_document", "meetings_leaves"),)
