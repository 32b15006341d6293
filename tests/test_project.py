"""Rules that hold for the whole project: texts, layers, sizes, locks, licences, documents."""

from __future__ import annotations

import ast
import importlib
import pkgutil
import re
import subprocess
import sys
import tomllib
from collections import defaultdict
from fnmatch import fnmatch
from functools import cache
from pathlib import Path, PurePosixPath
from string import Formatter

import click
import pytest
from babel.messages.pofile import read_po
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import kilnsight
import kilnsight.cli
from kilnsight.i18n import LANGUAGES, pick_language

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "src" / "kilnsight"
MAX_LINES = 400
MODULES = sorted(PACKAGE.rglob("*.py"))
READMES = ("README.md", "README.zh-CN.md")
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])

FOUNDATION = {"errors", "i18n", "quantity", "workers", "__init__"}
"""Modules at the root of the package: every room may use them, they use no room."""

MAY_IMPORT = {
    "photos": set(),
    "mapping": {"photos"},
    "findings": {"photos", "mapping"},
    "rules": {"findings"},
    "surveys": {"photos", "mapping", "findings", "rules", "reports", "evidence"},
    "evidence": {"surveys"},
    "reports": {"findings", "rules", "surveys", "evidence"},
    "simulate": {"photos", "mapping", "findings", "surveys"},
    "cli": {"photos", "mapping", "findings", "rules", "surveys", "evidence", "reports",
            "simulate"},
}
"""What each room may import from: rooms to its left in the flow of data."""


def name_of(path: Path) -> str:
    """Dotted name of a module file."""
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


NAMES = {name_of(path) for path in MODULES}


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"), str(path))


def imports_of(path: Path) -> set[str]:
    """Dotted names of all that a module imports, wherever in it, to the module or the name."""
    found = set()
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def own_imports(path: Path) -> set[str]:
    """Modules of this project that a module imports."""
    own = {name for name in imports_of(path) if name.split(".")[0] == "kilnsight"}
    return {name if name in NAMES else name.rpartition(".")[0] for name in own}


def room_of(name: str) -> str:
    """Room of a module's dotted name; modules at the root are each their own."""
    return name.split(".")[1] if "." in name else "__init__"


def imports_library(path: Path, *libraries: str) -> bool:
    return any(name.split(".")[0] in libraries for name in imports_of(path))


# Texts


def fields(text: str) -> set[str]:
    """Names of the `{name}` fields of a text."""
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


def gettext_calls() -> list[tuple[str, ast.Call, str]]:
    """Place, call and id of every call of gettext with a literal id."""
    calls = []
    for path in MODULES:
        for node in ast.walk(tree_of(path)):
            if not isinstance(node, ast.Call) or not node.args:
                continue
            function, first = node.func, node.args[0]
            name = function.attr if isinstance(function, ast.Attribute) else (
                function.id if isinstance(function, ast.Name) else ""
            )
            if name in {"_", "gettext"} and isinstance(first, ast.Constant):
                place = f"{path.relative_to(ROOT)}:{node.lineno}"
                calls.append((place, node, str(first.value)))
    return calls


def catalogues(language: str) -> dict[Path, object]:
    found = {}
    for path in sorted((PACKAGE / "locale" / language).glob("*.po")):
        with path.open("rb") as stream:
            found[path] = read_po(stream, abort_invalid=True)
    return found


TRANSLATED = [language for language in LANGUAGES if language != "en"]


def translations(language: str) -> dict[str, list[tuple[str, str]]]:
    """For each id its texts, each with the name of its catalogue."""
    found = defaultdict(list)
    for path, catalogue in catalogues(language).items():
        for message in catalogue:
            if message.id:
                found[message.id].append((path.name, message.string))
    return found


@pytest.mark.parametrize("language", TRANSLATED)
def test_every_text_of_the_code_is_translated(language):
    known = translations(language)
    lost = sorted(
        f"{place}: {text!r}" for place, _, text in gettext_calls()
        if not any(string for _, string in known.get(text, []))
    )
    assert not lost, "no translation of:\n" + "\n".join(lost)


@pytest.mark.parametrize("language", TRANSLATED)
def test_translations_keep_the_fields_of_their_ids(language):
    wrong = [
        f"{name}: {text!r} -> {string!r}"
        for text, entries in translations(language).items() for name, string in entries
        if fields(text) != fields(string)
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("language", TRANSLATED)
def test_an_id_has_one_translation(language):
    wrong = [
        f"{text!r}: {entries}" for text, entries in translations(language).items()
        if len({string for _, string in entries}) > 1
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("language", TRANSLATED)
def test_no_translation_is_fuzzy_or_obsolete(language):
    wrong = []
    for path, catalogue in catalogues(language).items():
        wrong += [f"{path.name}: fuzzy: {m.id!r}" for m in catalogue if m.id and m.fuzzy]
        wrong += [f"{path.name}: obsolete: {text!r}" for text in catalogue.obsolete]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("language", TRANSLATED)
def test_no_translation_is_unused(language):
    literals = {
        node.value for path in MODULES for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    elsewhere = "\n".join(
        path.read_text("utf-8") for path in sorted(PACKAGE.glob("*/templates/*"))
    )
    unused = [
        f"{entries[0][0]}: {text!r}" for text, entries in translations(language).items()
        if text not in literals and text not in elsewhere
    ]
    assert not unused, "\n".join(unused)


def test_calls_give_the_fields_of_their_ids():
    wrong = []
    for place, call, text in gettext_calls():
        given = {keyword.arg for keyword in call.keywords}
        # Without values nothing is filled in; such an id is kept for later.
        if given and None not in given and given != fields(text):
            wrong.append(f"{place}: {text!r} needs {fields(text)}, is given {given}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("tag", ["zh", "zh_CN.UTF-8", "zh-Hans"])
def test_chinese_readers_get_the_catalogue(tag):
    assert pick_language(tag) in TRANSLATED


# Layers


def test_every_room_has_its_place():
    rooms = {path.name for path in PACKAGE.iterdir() if (path / "__init__.py").is_file()}
    assert rooms == MAY_IMPORT.keys()
    assert {path.stem for path in PACKAGE.glob("*.py")} == FOUNDATION | {"__main__"}


def test_rooms_import_to_their_left_only():
    wrong = []
    for path in MODULES:
        room = room_of(name_of(path))
        first = {"cli"} if room == "__main__" else set()
        allowed = MAY_IMPORT.get(room, first) | FOUNDATION | {room}
        wrong += [
            f"{name_of(path)} imports {name}" for name in sorted(own_imports(path))
            if room_of(name) not in allowed
        ]
    assert not wrong, "\n".join(wrong)


def test_modules_do_not_import_in_circles():
    left = {name_of(path): own_imports(path) - {name_of(path)} for path in MODULES}
    while ready := [name for name, needs in left.items() if not needs & left.keys()]:
        for name in ready:
            del left[name]
    assert not left, f"these import each other: {sorted(left)}"


def test_domain_is_free_of_web_frameworks():
    wrong = [name_of(p) for p in MODULES if imports_library(p, "django", "ninja", "flask")]
    assert not wrong


def test_only_the_command_line_parses_arguments():
    wrong = [
        name_of(path) for path in MODULES
        if imports_library(path, "click", "argparse") and room_of(name_of(path)) != "cli"
    ]
    assert not wrong


def test_only_the_reconstruction_worker_imports_pycolmap():
    users = [name_of(path) for path in MODULES if imports_library(path, "pycolmap")]
    assert users == ["kilnsight.mapping.reconstruction_worker"]


def loaded_with(*modules: str) -> set[str]:
    """Names of all top-level packages that a fresh interpreter holds once `modules` are loaded."""
    code = f"import sys, {', '.join(modules)}; print(*{{m.split('.')[0] for m in sys.modules}})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_the_reconstruction_worker_meets_no_other_image_library():
    loaded = loaded_with("kilnsight.mapping.reconstruction_worker")
    assert "pycolmap" in loaded
    assert not loaded & {"rasterio", "PIL", "cv2", "pyogrio", "fiona", "osgeo"}


def test_photos_are_read_without_rasterio():
    loaded = loaded_with(*sorted(n for n in NAMES if n.startswith("kilnsight.photos")))
    assert "cv2" in loaded
    assert not loaded & {"rasterio", "pycolmap"}
    assert not [p for p in MODULES if "photos" in p.parts and imports_library(p, "rasterio")]


def test_help_does_not_wait_for_heavy_libraries():
    assert not loaded_with("kilnsight.cli") & {"cv2", "numba", "rasterio", "scipy", "pycolmap"}


# Code


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_modules_are_short(path):
    assert len(path.read_text("utf-8").splitlines()) <= MAX_LINES


def dangers(node: ast.AST) -> str:
    """What is wrong with a node that runs, loads or evaluates what it should not; else empty."""
    if isinstance(node, ast.Name) and node.id in {"eval", "exec", "__import__"}:
        return node.id
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        name = f"{node.value.id}.{node.attr}"
        return name if name in {"os.system", "os.popen"} else ""
    if isinstance(node, ast.keyword) and node.arg in {"shell", "allow_pickle"}:
        safe = isinstance(node.value, ast.Constant) and node.value.value is False
        return "" if safe else node.arg
    return ""


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_nothing_is_unpickled_evaluated_or_given_to_a_shell(path):
    assert not imports_library(path, "pickle", "cPickle", "dill", "cloudpickle", "marshal",
                               "shelve", "joblib")
    found = [f"line {n.lineno}: {d}" for n in ast.walk(tree_of(path)) if (d := dangers(n))]
    assert not found


@pytest.mark.parametrize(
    "code", ["eval('1')", "os.system('ls')", "run('ls', shell=True)", "load(f, allow_pickle=x)"]
)
def test_dangers_are_seen(code):
    assert any(dangers(node) for node in ast.walk(ast.parse(code)))


# Package and locks


@cache
def project() -> dict:
    return tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))


def pins(lock: str) -> dict[str, list[Requirement]]:
    """Pinned requirements of a lock file by name; one with several markers has several."""
    text = (ROOT / "requirements" / lock).read_text("utf-8").replace("\\\n", " ")
    found = defaultdict(list)
    for line in text.splitlines():
        if line and not line.startswith("#"):
            requirement = Requirement(line.split("--hash")[0].strip())
            found[canonicalize_name(requirement.name)].append(requirement)
    return found


def wanted(lock: str) -> list[str]:
    """Requirements that a lock file has to pin."""
    names = project()["project"]["dependencies"] + project()["build-system"]["requires"]
    extra = project()["project"]["optional-dependencies"]["test"]
    return names + (extra if lock == "test.txt" else [])


LOCKS = ("run.txt", "test.txt")


@pytest.mark.parametrize("lock", LOCKS)
def test_locks_hold_what_the_project_asks_for(lock):
    pinned = pins(lock)
    for text in wanted(lock):
        asked = Requirement(text)
        found = pinned[canonicalize_name(asked.name)]
        assert found, f"{lock} lacks {asked.name}: run make lock"
        for pin in found:
            (version,) = pin.specifier
            assert version.operator == "=="
            assert asked.specifier.contains(version.version), f"{pin}: run make lock"


@pytest.mark.parametrize("lock", LOCKS)
def test_locks_hash_everything_and_name_no_host(lock):
    text = (ROOT / "requirements" / lock).read_text("utf-8")
    entries = [line for line in text.replace("\\\n", " ").splitlines() if line[:1].isalnum()]
    assert entries
    assert all(re.search(r"--hash=sha256:[0-9a-f]{64}\b", entry) for entry in entries)
    assert "://" not in text
    assert "--index" not in text and "--find-links" not in text


def test_the_tests_run_with_what_a_user_gets():
    run, test = pins("run.txt"), pins("test.txt")
    differ = [n for n in run if sorted(map(str, run[n])) != sorted(map(str, test.get(n, [])))]
    assert not differ


def test_everything_beside_the_code_is_packaged():
    globs = project()["tool"]["setuptools"]["package-data"]["kilnsight"]
    files = [
        p for p in PACKAGE.rglob("*") if p.is_file() and p.suffix != ".py"
        and not any(part.startswith((".", "__")) for part in p.relative_to(PACKAGE).parts)
    ]
    assert files
    lost = [
        name for p in files if not any(
            fnmatch(name := p.relative_to(PACKAGE).as_posix(), glob)
            and name.count("/") == glob.count("/") for glob in globs
        )
    ]
    assert not lost


def test_versions_agree():
    version = project()["project"]["version"]
    assert kilnsight.__version__ == version
    assert f"[{version}]" in (ROOT / "CHANGELOG.md").read_text("utf-8")


def test_continuous_integration_runs_the_tests_and_nothing_else():
    script = ROOT / ".ci" / "run"
    lines = [line for line in script.read_text().splitlines() if line and line[0] != "#"]
    assert lines[0] == "set -euo pipefail"
    assert lines[-1] == "exec make test"
    assert len(lines) == 3
    assert script.stat().st_mode & 0o111


# Licences


@pytest.mark.parametrize(("path", "words"), [
    ("LICENSE", "Apache License"),
    ("src/kilnsight/reports/assets/leaflet/LICENSE", "BSD 2-Clause License"),
    ("src/kilnsight/reports/fonts/OFL.txt", "SIL OPEN FONT LICENSE"),
])
def test_licences_travel_with_what_they_cover(path, words):
    assert words.lower() in (ROOT / path).read_text("utf-8").lower()


# Documents


def commands() -> dict[str, click.Command]:
    """Commands of the command line by name, with the words that lead to them."""
    groups = {}
    for info in pkgutil.walk_packages(kilnsight.cli.__path__, "kilnsight.cli."):
        importlib.import_module(info.name)
    for name, module in list(sys.modules.items()):
        if name == "kilnsight.cli" or name.startswith("kilnsight.cli."):
            groups |= {id(v): v for v in vars(module).values() if isinstance(v, click.Group)}
    found = {}
    for group in groups.values():
        with click.Context(group) as context:
            names = group.list_commands(context)
            found |= {name: group.get_command(context, name) for name in names}
    return found


def test_there_is_a_command_line():
    assert {"simulate", "survey", "demo", "check"} <= commands().keys()


@pytest.mark.parametrize("readme", READMES)
def test_every_command_and_option_is_documented(readme):
    text = (ROOT / readme).read_text("utf-8")
    for name, command in commands().items():
        assert f"`kilnsight {name}" in text, f"{readme} does not speak of {name}"
        for parameter in command.params:
            if isinstance(parameter, click.Option) and not parameter.hidden:
                option = max(parameter.opts, key=len)
                assert re.search(rf"{option}\b", text), f"{readme} lacks {option} of {name}"


def shown_commands(readme: str) -> list[str]:
    """Commands in blocks and in running text of a readme, in order, comments cut off."""
    text = (ROOT / readme).read_text("utf-8")
    blocks = re.findall(r"^```sh\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    lines = [line.split("  #")[0].strip() for block in blocks for line in block.splitlines()]
    return lines + re.findall(r"`((?:kilnsight|make|pip) [^`]*)`", text)


def test_both_readmes_show_the_same_commands():
    english, chinese = map(shown_commands, READMES)
    assert english == chinese
    assert len(english) > 5


def test_readmes_speak_of_commands_that_are_there():
    named = {m for r in READMES for m in re.findall(r"`kilnsight ([a-z]+)",
                                                    (ROOT / r).read_text("utf-8"))}
    assert named <= commands().keys()


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_links_in_documents_lead_somewhere(path):
    text = re.sub(r"```.*?```", "", path.read_text("utf-8"), flags=re.DOTALL)
    links = re.findall(r"\]\(([^)#\s]+)", text)
    local = [link for link in links if "://" not in link and not link.startswith("mailto:")]
    lost = [link for link in local if not (path.parent / link).exists()]
    assert not lost
    assert all(PurePosixPath(link).is_absolute() is False for link in local)


def test_architecture_speaks_of_every_room():
    text = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    assert [room for room in MAY_IMPORT if f"`{room}`" not in text] == []
