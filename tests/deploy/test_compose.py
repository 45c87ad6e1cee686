"""docker-compose.yml and what belongs to it, as far as it can be checked without Docker."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from cryptography.fernet import Fernet
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from deploy.compose.secrets import ROOT, complete_environment, make_signing_key
from shared.provision import SERVICES

TEXT = (ROOT / "docker-compose.yml").read_text()
CONTAINERS: dict[str, dict[str, Any]] = yaml.safe_load(TEXT)["services"]
PROCESSES = [f"{service}-{role}" for service in SERVICES for role in ("api", "worker")]
OURS = [*PROCESSES, "setup", "mail", "stripe"]


def test_every_service_runs_as_api_and_as_worker() -> None:
    assert set(CONTAINERS) == {*OURS, "postgres", "rabbitmq", "gateway"}
    for service in SERVICES:
        for role in ("api", "worker"):
            assert CONTAINERS[f"{service}-{role}"]["command"] == ["serve", service, "--role", role]


def test_only_gateway_and_sandboxes_are_reached_from_outside() -> None:
    assert {name for name, container in CONTAINERS.items() if "ports" in container} == {"gateway", "mail", "stripe"}


@pytest.mark.parametrize("name", [*OURS, "gateway"])
def test_containers_can_do_and_change_nothing_but_their_work(name: str) -> None:
    container = CONTAINERS[name]
    assert container["read_only"]
    assert container["cap_drop"] == ["ALL"]
    assert container["security_opt"] == ["no-new-privileges:true"]
    assert "privileged" not in container


@pytest.mark.parametrize("name", PROCESSES)
def test_a_process_knows_the_passwords_of_its_own_service_only(name: str) -> None:
    service, role = name.split("-")
    told = set(re.findall(r"MDH_(\w+?)(?:_OWNER|_AMQP)?_PASSWORD", str(CONTAINERS[name]["environment"])))
    assert told - {"SMTP"} == {service.upper()}
    assert ("MDH_AMQP_URL" in CONTAINERS[name]["environment"]) == (role == "worker")


def test_no_secret_has_a_default() -> None:
    secret = r"\w*(?:PASSWORD|SECRET|SECRETS_KEYS|API_KEY|PUBLISHABLE_KEY)"
    assert not re.findall(rf"\$\{{{secret}(?!:\?|\w)", TEXT)


def test_the_environment_file_is_completed_and_otherwise_kept(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("MDH_BOOKING_PASSWORD=chosen\nMDH_STRIPE_API_KEY=sk_test_mine\nMDH_GATEWAY_PORT=9000")
    added = complete_environment(file)
    content = file.read_text()
    assert content.startswith("MDH_BOOKING_PASSWORD=chosen\nMDH_STRIPE_API_KEY=sk_test_mine\nMDH_GATEWAY_PORT=9000\n")
    assert set(re.findall(r"\$\{(\w+):\?", TEXT)) == {"MDH_BOOKING_PASSWORD", "MDH_STRIPE_API_KEY", *added}
    assert added["MDH_STRIPE_PUBLISHABLE_KEY"] == "pk_test_mine"
    assert Fernet(added["MDH_SECRETS_KEYS"])
    assert len(set(added.values())) == len(added)
    assert file.stat().st_mode & 0o077 == 0
    assert complete_environment(file) == {}
    assert file.read_text() == content


def test_one_signing_key_is_made_where_only_its_owner_gets_to(tmp_path: Path) -> None:
    directory = tmp_path / ".secrets" / "keys"
    kid = make_signing_key(directory)
    assert isinstance(load_pem_private_key((directory / f"{kid}.pem").read_bytes(), None), Ed25519PrivateKey)
    assert directory.parent.stat().st_mode & 0o077 == 0
    assert make_signing_key(directory) is None


def test_everything_that_can_be_set_is_in_the_example() -> None:
    example = (ROOT / "deploy" / "compose" / "environment.example").read_text()
    chosen = set(re.findall(r"\$\{(\w+)(?::?-|\})", TEXT)) | set(re.findall(r"^ +(\w+):$", TEXT, re.MULTILINE))
    settable = {name for name in chosen if name.startswith(("MDH_", "PIP_", "UV_"))}
    assert set(re.findall(r"^#?(\w+)=", example, re.MULTILINE)) == settable
