#!/usr/bin/env bash
# Brings the quantizers that `make peers` compares with to out/peers: a Python environment of its own on top of .venv, whose
# torch it uses. ModelOpt asks for an older onnx than the tests have, and for packages for GPUs that nothing here needs.
# A stamp makes a repeated run instant.
set -euo pipefail
cd "$(dirname "$0")/.."

exporter=(onnxscript==0.7.2 onnx_ir==1.1.0)
# What ModelOpt imports on a processor, by hand: its own list asks for packages of CUDA, and lacks requests.
modelopt=(nvidia-modelopt==0.47.0 onnx==1.21.0 onnxruntime==1.24.4 onnx-graphsurgeon==0.6.1 onnxconverter-common==1.16.0
  onnxslim==0.1.98 polygraphy==0.53.6 lief==1.0.0 cppimport==26.4.17 Mako==1.4.3 pybind11==3.1.0 ninja==1.13.2
  nvidia-ml-py==13.615.71 omegaconf==2.4.0 pulp==3.3.2 pydantic==2.14.4 pydantic_core==2.50.5 annotated-types==0.8.0
  typing-inspection==0.4.5 rich==15.0.0 markdown-it-py==4.3.0 mdurl==0.1.2 requests==2.34.2 urllib3==2.8.0
  certifi==2026.10.19.post1 charset-normalizer==3.5.3)
stamp=out/peers/.setup-$(sha256sum scripts/setup_peers.sh | cut -c1-16)
[[ -e $stamp ]] && exit
pip_install() { out/peers/bin/python -m pip install -qq --disable-pip-version-check --no-deps "$@"; }

echo "setup: ${exporter[*]} ${modelopt[0]} in out/peers"
.venv/bin/python -m venv --clear out/peers
below=$(.venv/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
echo "$below" >"$(out/peers/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/below.pth"
pip_install "${exporter[@]}"
if pip_install "${modelopt[@]}"; then
  touch "$stamp"
else
  echo "setup: going on without ModelOpt: its columns are dashes"
fi
