"""What is wrong with this installation, all of it at once, and what to do."""

import sys
from typing import Any

from django.core.management.base import BaseCommand

from itsci_site import installation


class Command(BaseCommand):
    help = "Tell what is wrong with this installation, all of it at once, and what to do. Exit code 1 if anything is."
    requires_system_checks = []  # they stop at what this goes on to explain

    def handle(self, **_options: Any) -> None:
        found = installation.all_of_it()
        for number, problem in enumerate(found, 1):
            self.stdout.write(f"{number}. {problem.what}\n   {problem.do}")
        if found:
            self.stdout.write(f"{len(found)} {'thing is' if len(found) == 1 else 'things are'} wrong with this installation.")
            sys.exit(1)
        self.stdout.write("Nothing is wrong with this installation.")
