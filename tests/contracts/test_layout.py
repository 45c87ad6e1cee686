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


DOCUMENTS = modules("*.md", "docs/*.md", "docs/decisions/*.md", "deploy/*/README.md", "services/*/README.md")


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_documents_lead_to_what_is_there(document: Path) -> None:
    text = re.sub("^```.*?^```", "", document.read_text(), flags=re.DOTALL | re.MULTILINE)
    links = {document.parent / link for link in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text)}
    named = {ROOT / path for path in re.findall(r"`((?:services|shared|deploy|docs|tests|bench)/[\w./-]*)`", text)}
    assert sorted(str(path) for path in links | named if not path.exists()) == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_documents_name_no_target_that_make_does_not_have(document: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"`make ([a-z-]+)", document.read_text())) <= targets
