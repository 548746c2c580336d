"""What the deployment files promise, as far as it can be read off them; `deployments/validate.sh` runs the real validators."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[3]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "deployments/compose.yaml").read_text())
PINS = dict(line.split("==") for line in (ROOT / "constraints.txt").read_text().splitlines() if "==" in line)


def version(text: str) -> tuple[int, int]:
    found = re.search(r"(\d+)\.(\d+)", text)
    assert found is not None, text
    return int(found.group(1)), int(found.group(2))


def test_qdrant_and_its_client_are_within_one_minor_version() -> None:
    """Qdrant promises compatibility no further; scoped sparse statistics need 1.19 besides."""
    server, client = version(COMPOSE["services"]["qdrant"]["image"]), version(PINS["qdrant-client"])
    assert server[0] == client[0]
    assert abs(server[1] - client[1]) <= 1
    assert server >= (1, 19)


def test_the_prefect_server_is_the_client_that_is_pinned() -> None:
    """One version on both sides, and in what `prefect deploy` reads."""
    assert f":{PINS['prefect']}-" in COMPOSE["services"]["prefect"]["image"]
    assert yaml.safe_load((ROOT / "deployments/prefect.yaml").read_text())["prefect-version"] == PINS["prefect"]


def test_no_password_has_a_default() -> None:
    """Each is asked for by `:?`, and stands in no file; the example names every one and gives none."""
    text = (ROOT / "deployments/compose.yaml").read_text()
    asked = set(re.findall(r"\$\{([A-Z_]+):\?", text))
    assert {"MONGO_PASSWORD", "QDRANT_API_KEY", "POSTGRES_PASSWORD"} <= asked
    settings = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    assert all(":?" in found for found in re.findall(r"\$\{[A-Z_]*(?:PASSWORD|KEY)[^}]*\}", settings))
    example = dict(
        line.split("=", 1)
        for line in (ROOT / "deployments/compose.env.example").read_text().splitlines()
        if "=" in line and line[0] != "#"
    )
    assert asked <= set(example)
    assert not any(example.values())


def test_every_service_is_healthy_before_it_is_used_and_keeps_its_data() -> None:
    """Servers have a health check and a named volume; what needs them waits for health."""
    services = COMPOSE["services"]
    for name in ("mongodb", "qdrant", "postgres", "prefect"):
        assert "healthcheck" in services[name], name
    assert {entry["condition"] for entry in services["worker"]["depends_on"].values()} == {"service_healthy"}
    used = {volume.split(":")[0] for s in services.values() for volume in s.get("volumes", ()) if not volume.startswith("$")}
    assert used == set(COMPOSE["volumes"])


@pytest.mark.parametrize("name", ["worker", "dask"])
def test_pods_run_as_nobody_special(name: str) -> None:
    """Not root, no privileges to gain, no token of the cluster, memory bounded; the image is the one that kustomize sets."""
    documents = list(yaml.safe_load_all((ROOT / f"deployments/kubernetes/{name}.yaml").read_text()))
    pods = [document["spec"]["template"]["spec"] for document in documents if document["kind"] == "Deployment"]
    assert pods
    for pod in pods:
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["automountServiceAccountToken"] is False
        for container in pod["containers"]:
            assert container["image"] == "sluice"
            assert container["securityContext"] == {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
            assert container["resources"]["limits"]["memory"]


def test_kustomize_lists_every_file_of_its_folder() -> None:
    """A manifest that nobody lists is not deployed."""
    folder = ROOT / "deployments/kubernetes"
    listed = yaml.safe_load((folder / "kustomization.yaml").read_text())
    named = set(listed["resources"]) | set(listed["configMapGenerator"][0]["files"])
    assert named == {file.name for file in folder.iterdir()} - {"kustomization.yaml"}
