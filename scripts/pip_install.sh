#!/usr/bin/env bash
# Installs the package from the source tree as `pip install .` does, everything compiled, into an environment of its own,
# and runs README's quick start there; prints the time.
#   scripts/pip_install.sh                       builds with the torch of .venv: what ccache has is not compiled again
#   scripts/pip_install.sh --with-isolation      as users do: pip brings a torch for the build, and one for the package
set -euo pipefail
cd "$(dirname "$0")/.."
folder=$PWD/out/pip-install
environment=$folder/venv
begin=$SECONDS

rm -rf "$folder"
python3 -m venv "$environment"
options=(-qq --disable-pip-version-check -c constraints.txt)
if [[ ${1:-} != --with-isolation ]]; then
  # torch, and what builds, by a .pth file: nothing is downloaded or copied.
  .venv/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))' \
    >"$("$environment/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/project.pth"
  options+=(--no-build-isolation --no-deps)
fi
"$environment/bin/python" -m pip install "${options[@]}" .
built=$SECONDS
GRAFTWORK_ENVIRONMENT=$environment .venv/bin/python -m pytest -q tests/python/package/test_wheel.py \
  -k "quick_start or command"
echo "pip install . ${1:-}: $((built - begin)) s, tried in $((SECONDS - built)) s"
