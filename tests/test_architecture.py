"""The storeys of docs/architecture.md: every import points down. Read from the source, so nothing has to be imported for it."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings

LIB = "itsci_site.lib"
STOREYS = {LIB: 0, "regions": 1, "testimonials": 2, "meetings": 2, "programmes": 3, "itsci_site": 4}
# Within an app: models (with versions, locks and pdf) <- figures, exports, feeds, forms ... <- views, admin, commands <- urls.
PARTS = {
    "models": 0, "versions": 0, "desks": 0, "locks": 0, "content_version": 0, "pdf": 0, "views": 2, "admin": 2,
    "management": 2, "urls": 3,
}  # fmt: skip
OTHER_PART = 1
ENTRANCES = {"views", "admin", "urls"}
"""Nothing of an app is built on these, except that urls name views."""
RELATIONS = {"ForeignKey", "OneToOneField", "ManyToManyField"}


def storey(module: str) -> str:
    """The storey a module lives on; empty for one that is not the project's."""
    if module == LIB or module.startswith(f"{LIB}."):
        return LIB
    top = module.partition(".")[0]
    return top if top in STOREYS else ""


def part(module: str) -> str:
    """Which part of its app: "models", "views", ...; empty for the app itself."""
    return module.split(".")[1] if "." in module else ""


def problems(root: Path) -> list[str]:
    """Everything in the apps below `root` that is built on what stands above or beside it."""
    found = []
    for top in sorted({name.partition(".")[0] for name in STOREYS}):
        for path in sorted((root / top).rglob("*.py")):
            module = ".".join(path.relative_to(root).with_suffix("").parts)
            tree = ast.parse(path.read_text(encoding="utf-8"))
            for line, problem in _problems_of(module.removesuffix(".__init__"), path.name == "__init__.py", tree):
                found.append(f"{path.relative_to(root)}:{line}: {problem}")
    return found


def _problems_of(module: str, is_package: bool, tree: ast.Module) -> Iterator[tuple[int, str]]:
    deferred = {
        node
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        for node in ast.walk(function)
    }
    for node in ast.walk(tree):
        if not isinstance(node, ast.Import | ast.ImportFrom | ast.Call):
            continue
        for imported in _imported(module, is_package, node):
            if storey(imported):
                if node in deferred and not _may_wait(module, imported):
                    yield node.lineno, f"{imported} is imported inside a function"
                if problem := _wrong_way(module, imported):
                    yield node.lineno, problem
            elif storey(module) == LIB and imported.partition(".")[0] not in sys.stdlib_module_names | {"django"}:
                yield node.lineno, f"lib imports {imported}: the standard library and Django are all it stands on"
        if isinstance(node, ast.Call) and (named := _named_in_words(node)) and _out_of_reach(module, named):
            yield node.lineno, f"{named} is named in words, out of reach from {storey(module)}"


def _may_wait(module: str, imported: str) -> bool:
    """An AppConfig imports its own app in ready(), as Django asks; the roof may choose when to load its own parts (wsgi)."""
    return storey(imported) == storey(module) and (module.endswith(".apps") or storey(module) == "itsci_site")


def _out_of_reach(module: str, other: str) -> bool:
    ours, theirs = storey(module), storey(other)
    return bool(theirs) and theirs != ours and STOREYS[theirs] >= STOREYS[ours]


def _imported(module: str, is_package: bool, node: ast.AST) -> list[str]:
    """The full names of the modules that an import statement may mean ("from . import figures" means app.figures)."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if not isinstance(node, ast.ImportFrom):
        return []
    base = node.module or ""
    if node.level:
        steps = module.split(".")
        package = steps if is_package else steps[:-1]
        base = ".".join([*package[: len(package) - node.level + 1], *([node.module] if node.module else [])])
    if not storey(base):
        return [base]
    # An object's own name does no harm here: regions.models.Region is as deep as regions.models.
    return [f"{base}.{alias.name}" for alias in node.names]


def _wrong_way(module: str, imported: str) -> str:
    ours, theirs = storey(module), storey(imported)
    if ours != theirs:
        if STOREYS[theirs] > STOREYS[ours]:
            return f"{ours} imports {imported}, which stands above it"
        if STOREYS[theirs] == STOREYS[ours]:
            return f"{ours} imports {imported}, which stands beside it"
        if part(imported) in ENTRANCES and theirs != LIB:
            return f"{imported} is an entrance: nothing is built on it"
        return ""
    if ours in (LIB, "itsci_site") or not part(imported):
        return ""
    if part(imported) in ENTRANCES and part(imported) != part(module) and (part(module), part(imported)) != ("urls", "views"):
        return f"{imported} is an entrance: nothing is built on it"
    if PARTS.get(part(imported), OTHER_PART) > PARTS.get(part(module), OTHER_PART):
        return f"{module} imports {imported}: within an app models <- figures, forms <- views <- urls"
    return ""


def _named_in_words(call: ast.Call) -> str:
    """What a call names in a string: ForeignKey("programmes.Programme"), get_model("programmes", ...), import_module("...")."""
    function = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    if function not in RELATIONS | {"get_model", "get_app_config", "import_module", "import_string", "__import__"}:
        return ""
    targets = [*call.args[:1], *(keyword.value for keyword in call.keywords if keyword.arg in ("to", "through"))]
    return next((node.value for node in targets if isinstance(node, ast.Constant) and isinstance(node.value, str)), "")


def test_every_import_points_down() -> None:
    assert problems(settings.BASE_DIR) == []


def test_every_app_has_a_storey() -> None:
    apps = {path.parent.name for path in settings.BASE_DIR.glob("*/apps.py")}
    assert apps == {name for name in STOREYS if "." not in name}


@pytest.mark.parametrize(
    ("path", "source", "said"),
    [
        ("regions/models.py", "from programmes.models import Programme", "stands above"),
        ("regions/models.py", "import programmes.models", "stands above"),
        ("regions/figures.py", "from itsci_site.settings import DEBUG", "stands above"),
        ("regions/figures.py", "from itsci_site import settings", "stands above"),
        ("programmes/views.py", "from itsci_site.views import healthz", "stands above"),
        ("itsci_site/lib/publishing.py", "from regions.models import Region", "stands above"),
        ("itsci_site/lib/publishing.py", "from itsci_site import settings", "stands above"),
        ("itsci_site/lib/publishing.py", "from ..views import healthz", "stands above"),
        ("testimonials/models.py", "from meetings.models import Meeting", "stands beside"),
        ("meetings/ical.py", "import testimonials", "stands beside"),
        ("itsci_site/lib/text.py", "import modeltranslation.admin", "standard library and Django"),
        ("itsci_site/lib/localdb/base.py", "import psycopg", "standard library and Django"),
        ("regions/views.py", "def view():\n    from .models import Region", "inside a function"),
        ("itsci_site/views.py", "def view():\n    from regions.models import Region", "inside a function"),
        ("programmes/apps.py", "def ready():\n    from regions import models", "inside a function"),
        ("regions/views.py", "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import meetings.models", "stands above"),
        ("regions/models.py", "models.ForeignKey('programmes.Programme', models.CASCADE)", "named in words"),
        ("meetings/models.py", "models.ManyToManyField(to='testimonials.Testimonial')", "named in words"),
        ("regions/figures.py", "apps.get_model('programmes', 'Headline')", "named in words"),
        ("regions/figures.py", "import_module('programmes.models')", "named in words"),
        ("regions/models.py", "from . import figures", "within an app"),
        ("regions/models.py", "from .figures import table", "within an app"),
        ("regions/forms.py", "from .views import region", "entrance"),
        ("regions/views.py", "from . import urls", "entrance"),
        ("regions/views.py", "from .admin import RegionAdmin", "entrance"),
        ("programmes/views.py", "from regions import views", "entrance"),
        ("regions/management/commands/load.py", "from ...views import region", "entrance"),
    ],
)
def test_what_points_the_wrong_way_is_found(tmp_path: Path, path: str, source: str, said: str) -> None:
    (tmp_path / path).parent.mkdir(parents=True)
    (tmp_path / path).write_text(source)
    (found,) = problems(tmp_path)
    assert found.startswith(f"{path}:") and said in found


@pytest.mark.parametrize(
    ("path", "source"),
    [
        (
            "programmes/reconcile.py",
            "from regions.figures import Table\nfrom regions import figures\nfrom .models import Headline",
        ),
        ("meetings/models.py", "from regions.models import Region\nmodels.ForeignKey(Region, models.PROTECT)"),
        (
            "regions/models.py",
            "models.ForeignKey('self', models.PROTECT)\nmodels.ForeignKey('regions.Country', models.PROTECT)",
        ),
        ("regions/models.py", "models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL)"),
        ("regions/urls.py", "from . import views"),
        ("regions/views.py", "from . import figures, maps\nfrom .models import Region"),
        ("regions/exports.py", "from .figures import table"),
        ("regions/admin.py", "from modeltranslation.admin import TranslationAdmin\nfrom itsci_site.lib import staff"),
        ("itsci_site/lib/staff.py", "import re\nfrom django.db import models\nfrom .publishing import Publishable"),
        ("itsci_site/lib/localdb/__init__.py", "from itsci_site.lib import localdb\nfrom . import supervisor"),
        (
            "itsci_site/search.py",
            "from meetings.models import Meeting\nfrom programmes.models import Programme\nimport rcssmin",
        ),
        ("regions/views.py", "def view():\n    import json"),
        ("regions/apps.py", "def ready():\n    from . import checks"),
        ("itsci_site/management/commands/serve.py", "def run():\n    from itsci_site.wsgi import application"),
    ],
)
def test_what_points_down_is_let_be(tmp_path: Path, path: str, source: str) -> None:
    (tmp_path / path).parent.mkdir(parents=True)
    (tmp_path / path).write_text(source)
    assert problems(tmp_path) == []
