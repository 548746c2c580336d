#!/usr/bin/env bash
# Validates what cannot be run without a Docker engine or a cluster, with the validators of those who define the formats:
#   bash deployments/validate.sh
# Needs docker compose (or docker-compose) and kubectl; the schema validators come from the package index into a temporary folder.
set -euo pipefail
cd "$(dirname "$0")/.."
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check "check-jsonschema>=0.39,<1" "kubernetes-validate>=1.37,<2"

"$folder/venv/bin/check-jsonschema" --builtin-schema vendor.compose-spec deployments/compose.yaml
"$folder/venv/bin/check-jsonschema" --builtin-schema vendor.github-workflows deployments/ci/retrieval.yml

compose=(docker compose)
docker compose version >/dev/null 2>&1 || compose=(docker-compose)
env MONGO_PASSWORD=x QDRANT_API_KEY=x POSTGRES_PASSWORD=x SLUICE_CONFIG_DIR=/tmp "${compose[@]}" -f deployments/compose.yaml config >"$folder/compose.yaml"
echo "${compose[*]} config: ok"
if "${compose[@]}" -f deployments/compose.yaml config >/dev/null 2>&1; then
  echo "compose.yaml has a default password" >&2
  exit 1
fi

kubectl kustomize deployments/kubernetes >"$folder/kubernetes.yaml"
"$folder/venv/bin/kubernetes-validate" --strict --quiet "$folder/kubernetes.yaml"
echo "kubernetes: $(grep -c '^kind:' "$folder/kubernetes.yaml") resources, strict: ok"
