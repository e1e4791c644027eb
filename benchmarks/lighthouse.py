"""Lighthouse's scores of the five main pages, mobile preset, by npm and the installed Chromium.

    python -m benchmarks.lighthouse

Needs npm and a connection to its registry: Lighthouse goes into a folder of its own that is thrown away. Starts gunicorn as in
production with the configured database, which must hold the programme's content (make run), and writes to benchmarks/results/.

Each page is looked at twice. Lighthouse asks for robots.txt through the page, as a script in it would, and today's Chromium
refuses that under our `default-src 'none'`; so once as it is, and once with the page's policy set aside for Lighthouse alone.
PageSpeed Insights, which runs Lighthouse for everybody, asks for that file from outside of the page.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import django

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "itsci_site.settings")
    django.setup()

from benchmarks.machine import machine, write
from benchmarks.pages import free_port, gunicorn, started
from tests.browser import chromium

VERSION = "12.8.2"
PAGES = ("/", "/where-we-work/", "/progress/", "/progress/miners/", "/meetings/")
FLAGS = (
    "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update",
    "--disable-sync",
)  # fmt: skip
SCRIPT = """
import puppeteer from 'puppeteer-core';
import lighthouse from 'lighthouse';
const {chromium, flags, addresses} = JSON.parse(process.argv[2]);
const browser = await puppeteer.launch({executablePath: chromium, headless: true, args: flags});
const found = {browser: await browser.version(), pages: {}};
for (const [policy, bypass] of [['as it is', false], ['set aside', true]]) {
  for (const [path, address] of Object.entries(addresses)) {
    const page = await browser.newPage();
    await page.setBypassCSP(bypass);
    const {lhr} = await lighthouse(address, {output: 'json', logLevel: 'error'}, undefined, page);
    const scores = Object.entries(lhr.categories).map(([name, one]) => [name, Math.round(100 * one.score)]);
    const counted = Object.values(lhr.categories).flatMap(one => one.auditRefs).filter(one => one.weight > 0);
    const failed = counted.filter(one => lhr.audits[one.id].score === 0).map(one => one.id);
    found.version = lhr.lighthouseVersion;
    found.pages[path] = {...found.pages[path], [policy]: {...Object.fromEntries(scores), failed}};
    await page.close();
  }
}
await browser.close();
console.log(JSON.stringify(found));
"""


def scores(site: str) -> dict[str, Any]:
    """Versions, and by page and policy the four scores and the audits that count and failed."""
    asked = {
        "chromium": shutil.which(chromium.find()), "flags": FLAGS,
        "addresses": {path: site + path for path in PAGES},
    }  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["npm", "install", "--silent", f"lighthouse@{VERSION}"], cwd=folder, check=True)
        (Path(folder) / "scores.mjs").write_text(SCRIPT)
        told = subprocess.run(
            ["node", "scores.mjs", json.dumps(asked)], cwd=folder, check=True, stdout=subprocess.PIPE, text=True
        ).stdout
    return json.loads(told)


def main() -> None:
    for program, there in (("npm", "npm"), ("Chromium", chromium.find())):
        if not shutil.which(there):
            sys.exit(f"There is no {program} here, which this needs.")
    port = free_port()
    with started(gunicorn("itsci_site.wsgi:application", port), port):
        found = scores(f"http://localhost:{port}")
    for path, policies in found["pages"].items():
        for policy, told in policies.items():
            print(f"{path}, policy {policy}: {told}")
    write("lighthouse", {"machine": machine()} | found)


if __name__ == "__main__":
    main()
