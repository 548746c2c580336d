#!/usr/bin/env bash
# Whether everything that is installed here has a wheel for each other Python that pyproject.toml admits (nothing is installed):
#   bash deployments/check_wheels.sh [3.12 3.13 …]
# Packages without any wheel, which are pure Python, are named and left out: pip builds them wherever there is a pip.
set -euo pipefail
cd "$(dirname "$0")/.."
versions=("$@")
[ "${#versions[@]}" -gt 0 ] || versions=(3.12 3.13)
pure="langdetect|python-iso639|wget|sgmllib3k|protego|pydispatcher|queuelib"
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
.venv/bin/python -m pip freeze --exclude-editable 2>/dev/null | sed 's/+cpu//' | grep -viE "^($pure)==" >"$folder/installed.txt"
for version in "${versions[@]}"; do
  .venv/bin/python -m pip install --dry-run --quiet --disable-pip-version-check --ignore-installed --no-deps --only-binary=:all: \
    --python-version "$version" --implementation cp --abi "cp${version/./}" --abi abi3 --abi none \
    --platform manylinux_2_28_x86_64 --platform manylinux_2_17_x86_64 --platform manylinux2014_x86_64 --platform linux_x86_64 \
    --platform any --target "$folder/$version" -r "$folder/installed.txt"
  echo "Python $version: a wheel for each of $(wc -l <"$folder/installed.txt") packages"
done
