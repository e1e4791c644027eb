"""IATI's codelists and standard ruleset, read from the files of the standard and held against a document.

Dates to come are those after the machine's own day, as for any validator.
"""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

from lxml import etree

Tree = Any
Case = dict[str, Any]
NEEDS_REGISTER = {"1.14.8", "1.18.8"}
"""Rules that ask whether an identifier begins with a registered agency's code: the standard's files do not list them."""


@cache
def codes(folder: Path, name: str) -> set[str]:
    """The codes of one codelist, withdrawn ones not among them."""
    items = etree.parse(str(folder / "codelists" / f"{name}.xml")).iter("codelist-item")
    return {item.findtext("code") for item in items if item.get("status") != "withdrawn"}


def unknown_codes(folder: Path, tree: Tree) -> list[tuple[str, str]]:
    """Every code of the document that its codelist does not hold, with the path of its place."""
    found = []
    for mapping in etree.parse(str(folder / "codelists" / "mapping.xml")).iter("mapping"):
        element, _slash, code = mapping.findtext("path").rpartition("/")
        condition = mapping.findtext("condition")
        path = f"{element}[{condition}]/{code}" if condition else f"{element}/{code}"
        used = {str(value) for value in tree.xpath(path)}
        if used:
            name = mapping.find("codelist").get("ref")
            found += [(path, value) for value in sorted(used - codes(folder, name))]
    return found


def broken(folder: Path, tree: Tree) -> set[str]:
    """The ids of the standard's rules that the document breaks."""
    ruleset = json.loads((folder / "standard-ruleset.json").read_text(encoding="utf-8"))
    return {
        case["ruleInfo"]["id"]
        for path, rules in ruleset.items()
        for context in tree.xpath(path)
        for rule, case in _cases(rules, context)
        if case["ruleInfo"]["id"] not in NEEDS_REGISTER and not _kept(rule, case, context)
    }


def _cases(rules: dict[str, Any], context: Tree) -> Iterator[tuple[str, Case]]:
    """Every rule with its case; a loop's cases once for each value it runs over, put in place of $1."""
    for rule, given in rules.items():
        for case in given["cases"]:
            if rule != "loop":
                yield rule, case
                continue
            for value in sorted({str(value) for value in context.xpath(case["foreach"])}):
                for name, inner in _cases(case["do"], context):
                    yield name, {key: _with(part, value) if key in case["subs"] else part for key, part in inner.items()}


def _with(part: Any, value: str) -> Any:
    return [one.replace("$1", value) for one in part] if isinstance(part, list) else part.replace("$1", value)


def _kept(rule: str, case: Case, context: Tree) -> bool:
    if "condition" in case and not _true(context, case["condition"]):
        return True
    found = [_text(node) for path in case.get("paths", []) for node in context.xpath(path)]
    today = datetime.now(UTC).date().isoformat()
    match rule:
        case "atleast_one":
            return bool(found)
        case "no_more_than_one":
            return len(found) <= 1
        case "unique":
            return len(found) == len(set(found))
        case "startswith":
            prefixes = [_text(node) for path in case["prefix"] for node in context.xpath(path)]
            return not prefixes or all(
                one.startswith(tuple(prefix + case["separator"] for prefix in prefixes)) for one in found
            )
        case "regex_matches":
            return all(re.search(case["regex"], one) for one in found)
        case "no_spaces":
            return all(one == one.strip() for one in found)
        case "strict_sum":
            return sum(map(Decimal, found)) == Decimal(case["sum"])
        case "range":
            return all(case["min"] <= float(one) <= case["max"] for one in found)
        case "if_then":
            return not _true(context, case["if"]) or _true(context, case["then"])
        case "one_or_all":
            return bool(context.xpath(case["one"])) or not _without(case["all"], context)
        case "date_now":
            return all(_text(day)[:10] <= today for day in context.xpath(case["date"]))
        case "date_order":
            less, more = ([today] if case[end] == "NOW" else map(_text, context.xpath(case[end])) for end in ("less", "more"))
            later = list(more)
            return all(one <= other for one in less for other in later)
        case "time_limit" | "between_dates":
            assert not context.xpath(".//budget-line") and "budget" in context.tag, "rules of budgets, and there are none"
            return True
    raise AssertionError(f"the ruleset has a rule that is not known here: {rule}")


def _true(context: Tree, expression: str) -> bool:
    return bool(context.xpath(f"boolean({expression})"))


def _text(node: Any) -> str:
    return node if isinstance(node, str) else "".join(node.itertext())


def _without(what: str, context: Tree) -> list[Tree]:
    """The elements that would have to carry a language, a sector or a currency each, and do not."""
    paths = {
        "lang": ".//narrative[not(@xml:lang)]",
        "sector": "transaction[not(sector)]",
        "currency": ".//value[not(@currency)]",
    }
    return list(context.xpath(paths[what]))
