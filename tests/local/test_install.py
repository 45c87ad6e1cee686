"""Programs and packages that are missing: installed if we may, else the command to type."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from deploy.local import install
from deploy.local.failure import CannotRun
from deploy.local.home import ROOT
from shared.testing.servers import binaries


@pytest.fixture
def bare_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """None of the servers is installed; the answer is the directory of what is."""
    tools = tmp_path / "bin"
    tools.mkdir()
    monkeypatch.setattr(binaries, "POSTGRES_DIRECTORIES", str(tmp_path / "none"))
    monkeypatch.setattr(binaries, "RABBITMQ_SERVER", tmp_path / "none")
    monkeypatch.setattr(binaries, "SYSTEM_PATH", str(tools))
    monkeypatch.setenv("PATH", str(tools))
    return tools


def program(path: Path, script: str) -> None:
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def test_nothing_is_missing_where_the_tests_run() -> None:
    assert install.missing_packages() == []


def test_what_is_missing_has_debians_names(bare_machine: Path) -> None:
    assert install.missing_packages() == ["postgresql", "rabbitmq-server", "nginx-light"]
    program(bare_machine / "nginx", "")
    assert install.missing_packages() == ["postgresql", "rabbitmq-server"]


def test_an_ordinary_user_without_sudo_is_told_what_to_type(
    bare_machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(bare_machine / "apt-get", "exit 1")
    program(bare_machine / "sudo", "exit 1")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    command = "sudo apt-get install --no-install-recommends postgresql rabbitmq-server nginx-light"
    with pytest.raises(CannotRun, match=command):
        install.ensure_installed()


def test_another_system_is_told_what_is_needed(bare_machine: Path) -> None:
    with pytest.raises(CannotRun, match="has no apt-get"):
        install.ensure_installed()


def test_with_sudo_only_what_is_missing_is_installed(bare_machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = bare_machine / "seen"
    program(bare_machine / "apt-get", "")
    program(bare_machine / "nginx", "")
    program(bare_machine / "sudo", f'printf "%s\\n" "$*" >> {seen}; [ "$2" = true ] || /bin/cat > {seen}.script')
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(CannotRun, match="could not install postgresql, rabbitmq-server"):
        install.ensure_installed()
    assert seen.read_text().splitlines()[-1] == "-n /bin/sh -s -- postgresql rabbitmq-server"
    script = Path(f"{seen}.script").read_text()
    subprocess.run(["/bin/sh", "-n"], input=script, text=True, check=True)


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """What `make setup` reads, with a uv beside it that only notes what it was asked."""
    for name in ("Makefile", "requirements.lock", "pyproject.toml", "deploy/local/setup.sh"):
        (tmp_path / "clone" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / "clone" / name)
    (tmp_path / "bin").mkdir()
    program(
        tmp_path / "bin" / "uv",
        f'echo "$@" >> {tmp_path}/asked\n'
        'if [ "$1" = venv ]; then mkdir -p .venv/bin; ln -s "$(command -v python3)" .venv/bin/python; fi',
    )
    return tmp_path / "clone"


def make_setup(clone: Path, **variables: str) -> "subprocess.CompletedProcess[str]":
    env = {"PATH": f"{clone.parent / 'bin'}:/usr/bin:/bin", "HOME": str(clone.parent)}
    assigned = [f"{name}={value}" for name, value in variables.items()]
    return subprocess.run(  # noqa: S603
        ["/usr/bin/make", "setup", *assigned], cwd=clone, env=env, capture_output=True, text=True, check=False
    )


def asked(clone: Path) -> list[str]:
    return (clone.parent / "asked").read_text().splitlines()


def test_packages_are_installed_as_locked_with_their_hashes_and_once(clone: Path) -> None:
    assert make_setup(clone).returncode == 0
    first = asked(clone)
    (sync,) = (line for line in first if line.startswith("pip sync"))
    assert {"--require-hashes", "requirements.lock"} <= set(sync.split())
    (project,) = (line for line in first if line.startswith("pip install"))
    assert {"--no-deps", "-e", "."} <= set(project.split())
    again = make_setup(clone)
    assert (again.returncode, again.stdout) == (0, "")
    assert asked(clone) == first


def test_a_changed_lock_or_a_moved_clone_is_installed_anew(clone: Path) -> None:
    make_setup(clone)
    first = len(asked(clone))
    (clone / "requirements.lock").write_text("# other\n")
    make_setup(clone)
    second = len(asked(clone))
    moved = clone.rename(clone.parent / "moved")
    make_setup(moved)
    assert first < second < len(asked(moved))


def test_an_old_python_is_refused_by_its_version(clone: Path) -> None:
    program(clone.parent / "bin" / "python3", '[ "$1" = --version ] && echo "Python 3.9.2"; exit 1')
    result = make_setup(clone)
    assert result.returncode != 0
    assert "Python 3.9.2 is too old; Python 3.11 or newer is needed" in result.stderr
    assert not (clone.parent / "asked").exists()
