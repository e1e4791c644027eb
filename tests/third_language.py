"""What a visitor gets, as JSON on standard output: python -m tests.third_language ADDRESS..., with the settings of a test."""

import json
import sys

import django

if __name__ == "__main__":
    django.setup()
    from django.test import Client
    from django.test.utils import setup_test_environment

    setup_test_environment()
    client = Client(raise_request_exception=False)
    answers = {address: client.get(address) for address in sys.argv[1:]}
    json.dump({address: [answer.status_code, answer.content.decode()] for address, answer in answers.items()}, sys.stdout)
