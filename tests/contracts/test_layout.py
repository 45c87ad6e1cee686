"""How the code is laid out: what a reader may rely on in every service."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
SERVICES = sorted(path.parent for path in ROOT.glob("services/*/main.py"))
COMMON = ("README.md", "main.py", "api", "schemas", "commands", "queries", "domain", "consumers", "migrations")


def modules(*patterns: str) -> list[Path]:
    return [path for pattern in patterns for path in sorted(ROOT.glob(pattern))]


@pytest.mark.parametrize("service", SERVICES, ids=lambda path: path.name)
def test_each_service_has_its_readme_and_the_files_that_all_have(service: Path) -> None:
    assert [name for name in COMMON if not (service / name).exists() and not (service / f"{name}.py").exists()] == []


@pytest.mark.parametrize("path", modules("services/*/domain.py", "services/*/domain/*.py"), ids=str)
def test_rules_do_no_io(path: Path) -> None:
    tree = ast.parse(path.read_text())
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.AsyncFunctionDef | ast.Await)]


@pytest.mark.parametrize("path", modules("services/**/*.py"), ids=str)
def test_nobody_commits_and_nobody_imports_a_sibling(path: Path) -> None:
    text = path.read_text()
    assert not re.search(r"\.(commit|rollback)\(", text)
    assert not re.search(r"^\s*(from|import) services\b", text, re.MULTILINE)


@pytest.mark.parametrize("path", modules("services/**/*.py", "shared/**/*.py"), ids=str)
def test_no_function_is_longer_than_forty_lines(path: Path) -> None:
    tree = ast.parse("" if path.parent.name == "migrations" else path.read_text())
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    assert [f.name for f in functions if (f.end_lineno or 0) - f.lineno + 1 > 40] == []
