"""What the deployment files promise, as far as it can be read off them, and what those who define their formats say of them.

`deployments/prefect.yaml` is read by `prefect deploy` itself: tests/flows/test_deployment.py.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
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


def run(*command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """A validator, in the root of the repository; skipped where it is not there."""
    found = shutil.which(command[0], path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    if found is None:
        pytest.skip(f"there is no {command[0]} here")
    named = {**os.environ, **environment}
    return subprocess.run([found, *command[1:]], cwd=ROOT, env=named, capture_output=True, text=True, timeout=60, check=False)


def good(*command: str, **environment: str) -> str:
    done = run(*command, **environment)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize(
    ("schema", "file"), [("vendor.compose-spec", "compose.yaml"), ("vendor.github-workflows", "ci/retrieval.yml")]
)
def test_the_formats_own_schemas_accept_the_files(schema: str, file: str, tmp_path: Path) -> None:
    """The specification of compose and that of GitHub's workflows; a key that is none of theirs is refused."""
    good("check-jsonschema", "--builtin-schema", schema, f"deployments/{file}")
    wrong = {**yaml.safe_load((ROOT / "deployments" / file).read_text()), "servicess": {}}
    (tmp_path / "wrong.yaml").write_text(yaml.safe_dump(wrong))
    assert run("check-jsonschema", "--builtin-schema", schema, str(tmp_path / "wrong.yaml")).returncode != 0


def test_compose_itself_reads_its_file_and_refuses_it_without_passwords() -> None:
    """`docker compose config`, or docker-compose's: whichever is here."""
    given: Mapping[str, str] = dict.fromkeys(("MONGO_PASSWORD", "QDRANT_API_KEY", "POSTGRES_PASSWORD", "SLUICE_CONFIG_DIR"), "/x")
    plugin = run("docker", "compose", "version") if shutil.which("docker") else None
    compose = ("docker", "compose") if plugin is not None and plugin.returncode == 0 else ("docker-compose",)
    said = good(*compose, "-f", "deployments/compose.yaml", "config", **given)
    assert set(yaml.safe_load(said)["services"]) >= {"mongodb", "qdrant", "postgres", "prefect", "worker"}
    for name in given:
        assert run(*compose, "-f", "deployments/compose.yaml", "config", **{**given, name: ""}).returncode != 0, name


def test_kubernetes_schemas_accept_what_kustomize_makes(tmp_path: Path) -> None:
    """Strictly: an unknown key is an error, too."""
    made = tmp_path / "made.yaml"
    made.write_text(good("kubectl", "kustomize", "deployments/kubernetes"), encoding="utf-8")
    kinds = [document["kind"] for document in yaml.safe_load_all(made.read_text(encoding="utf-8"))]
    assert sorted(set(kinds)) == ["ConfigMap", "Deployment", "NetworkPolicy", "PersistentVolumeClaim", "Service"]
    good("kubernetes-validate", "--strict", "--quiet", str(made))
    made.write_text(made.read_text(encoding="utf-8").replace("replicas: 4", "replica: 4"), encoding="utf-8")
    assert run("kubernetes-validate", "--strict", "--quiet", str(made)).returncode != 0


def test_a_job_of_the_kubernetes_pool_is_one_and_runs_as_nobody_special(tmp_path: Path) -> None:
    """Its template with its own defaults; what it mounts is what the manifests make."""
    template = json.loads((ROOT / "deployments/pools/kubernetes.json").read_text(encoding="utf-8"))
    values = {name: about.get("default") for name, about in template["variables"]["properties"].items()}
    values |= {"name": "run", "labels": {"app": "sluice"}, "command": ["prefect", "flow-run", "execute"]}
    values["env"] = [{"name": name, "value": value} for name, value in values["env"].items()]
    job = filled(template["job_configuration"]["job_manifest"], values)
    (tmp_path / "job.yaml").write_text(yaml.safe_dump(job), encoding="utf-8")
    good("kubernetes-validate", "--strict", "--quiet", str(tmp_path / "job.yaml"))
    pod = job["spec"]["template"]["spec"]
    assert (pod["securityContext"]["runAsNonRoot"], pod["automountServiceAccountToken"]) == (True, False)
    assert pod["containers"][0]["securityContext"] == {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
    [worker] = [
        d for d in yaml.safe_load_all((ROOT / "deployments/kubernetes/worker.yaml").read_text()) if d["kind"] == "Deployment"
    ]
    assert pod["volumes"] == worker["spec"]["template"]["spec"]["volumes"]


def filled(template: Any, values: Mapping[str, Any]) -> Any:
    """A template of Prefect's with these values; what has none is left out."""
    if isinstance(template, dict):
        made = {key: filled(value, values) for key, value in template.items()}
        return {key: value for key, value in made.items() if value is not None}
    if isinstance(template, list):
        return [filled(value, values) for value in template]
    if not isinstance(template, str) or "{{" not in template:
        return template
    if whole := re.fullmatch(r"\{\{ (\w+) \}\}", template):
        return values[whole[1]]
    return re.sub(r"\{\{ (\w+) \}\}", lambda found: str(values[found[1]]), template)


@pytest.mark.parametrize(
    ("given", "started"),
    [((), "sluice"), (("search", "x y"), "sluice search|x y"), (("prefect", "flow-run", "execute"), "prefect flow-run|execute")],
)
def test_the_image_runs_sluice_and_what_a_work_pool_asks_for(given: tuple[str, ...], started: str, tmp_path: Path) -> None:
    """A pool gives its command in the place of the image's: were that always Sluice's, no run would start."""
    for name in ("sluice", "prefect"):
        (tmp_path / name).write_text('#!/bin/sh\nIFS="|"; echo "${0##*/} $*"\n')
        (tmp_path / name).chmod(0o755)
    path = {"PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(
        ["sh", "deployments/entrypoint.sh", *given], cwd=ROOT, env=path, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == started


def test_the_dockerfile_has_no_fault_that_its_linter_knows() -> None:
    """hadolint, with shellcheck in it; what is ignored says why where it stands. No root at run time."""
    good("hadolint", "deployments/Dockerfile")
    lines = (ROOT / "deployments/Dockerfile").read_text().splitlines()
    assert [line for line in lines if line.startswith("USER")] == ["USER 10001"]
