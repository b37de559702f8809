"""Imports go one way: app → callbacks → layouts → monitor; each kind of hardware has one door."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LAYERS = ("app", "callbacks", "layouts", "monitor")
FOLDERS = [ROOT / layer for layer in LAYERS[1:]]
FILES = [ROOT / "app.py", *sorted(file for folder in FOLDERS for file in folder.rglob("*.py"))]
PAGE = {"dash", "dash_bootstrap_components", "flask_bootstrap", "plotly"}
HARDWARE = {"pynvml", "psutil"}

each_file = pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(ROOT)))


def imported(file: Path) -> set[str]:
    """Every module that the file names in an import, at any depth of it."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{file} imports relatively"
            names.add(node.module or "")
    return names


def layer(file: Path) -> str:
    return file.relative_to(ROOT).parts[0].removesuffix(".py")


def test_every_layer_has_files() -> None:
    assert {layer(file) for file in FILES} == set(LAYERS)
    assert any("pynvml" in imported(file) for file in FILES)


def test_psutil_has_one_door() -> None:
    assert [file.name for file in FILES if "psutil" in imported(file)] == ["processes.py"]


@each_file
def test_imports_go_one_way(file: Path) -> None:
    above = LAYERS[: LAYERS.index(layer(file))]
    assert not {name for name in imported(file) if name.split(".")[0] in above}


@each_file
def test_libraries_stay_in_their_layer(file: Path) -> None:
    libraries = {name.split(".")[0] for name in imported(file)}
    inside = file.relative_to(ROOT).parts
    if inside[0] == "monitor":
        assert not libraries & PAGE
    else:
        assert not libraries & {"apscheduler", "sqlite3"}
    if inside[:2] != ("monitor", "sources"):
        assert not libraries & HARDWARE
