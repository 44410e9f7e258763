# The verbs of this repository. Everything they need is set up on first use; nothing leaves this folder but apt packages.
#   make WITH_RTX=1 demo       also asks NVIDIA's compiler (a package under NVIDIA's licence, no GPU needed)
SHELL := bash
.DEFAULT_GOAL := help
.PHONY: $(shell sed -n 's/^\([a-z-]*\):.*/\1/p' Makefile)
PYTHON := .venv/bin/python

help:  ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-19s %s\n", $$1, $$2 }' Makefile

setup:  ## system packages (as root) and .venv; instant once done
	@scripts/setup.sh

configure: setup
	@[ -e build/build.ninja ] || cmake --preset release

build: configure  ## everything, optimised; the command is build/bin/graftwork
	@cmake --build build

demo: configure  ## train a small network, quantize it with the command, compare accuracy
	@cmake --build build --target bin/graftwork
	@examples/digits/demo.sh

test: configure  ## every test: C++ (ctest) and Python (pytest)
	@# What tests take from elsewhere is fetched while the rest is built.
	@for what in zoo trained browser docs; do scripts/setup.sh $$what || exit; done & fetching=$$!; \
	  cmake --build build; built=$$?; wait $$fetching && [ $$built = 0 ] && scripts/test.sh

zoo: build  ## a hundred and three networks through every stage, a row each; ZOO="--only yolo --update" passes options
	@scripts/setup.sh zoo
	@$(PYTHON) tests/zoo/run.py $(ZOO)

zoo-python: build  ## the same networks through the Python package, a row each; ZOO="--only yolo" passes options
	@scripts/setup.sh zoo
	@$(PYTHON) tests/zoo/python_door.py $(ZOO)

zoo-full: build  ## transformers in full size beside plain PyTorch; FULL="--only vit_b16 --rounds 5" passes options
	@scripts/setup.sh zoo
	@$(PYTHON) tests/zoo/full_size.py $(FULL)

zoo-trained: build  ## a trained sentence encoder: its INT8 file's embeddings beside PyTorch's
	@scripts/setup.sh zoo
	@scripts/setup.sh trained
	@$(PYTHON) tests/zoo/trained_encoder.py

accuracy: build  ## trained networks beside ONNX Runtime's quantizer; ACCURACY="--only silero_vad --update" passes options
	@scripts/setup.sh zoo
	@scripts/setup.sh trained
	@$(PYTHON) tests/trained/run.py $(ACCURACY)

peers: build  ## networks in full size beside the quantizers of others; PEERS="--only resnet18 --update" passes options
	@scripts/setup.sh zoo
	@scripts/setup_peers.sh
	@$(PYTHON) tests/zoo/peers.py $(PEERS)

operators: build  ## torch's samples for its operators, how many pass; OPERATORS="--only gather" passes options
	@$(PYTHON) tests/operators/run.py $(OPERATORS)

fuzz-patterns: build  ## random networks through transform; N=10000 says how many, SEED=1 where to begin
	@build/bin/pattern_fuzz --count $(or $(N),10000) --seed $(or $(SEED),1)

bench: build  ## the figures against plain PyTorch, side by side
	@$(PYTHON) bench/run.py

api: setup  ## the page of the C++ interface, out/api/html
	@scripts/setup.sh docs
	@mkdir -p out/api
	@doxygen docs/api/Doxyfile
	@echo out/api/html/index.html

wheel: build  ## the Python package as a wheel, for any environment with its torch; into out/wheel
	@scripts/wheel.sh

pip-install: setup  ## `pip install .` into an environment of its own, tried there; PIP=--with-isolation as pip does by itself
	@scripts/pip_install.sh $(PIP)

package: build  ## an archive of command and library, tried where it is unpacked
	@scripts/package.sh

package-with-torch: build  ## an archive of the command with all that it needs
	@scripts/package.sh --with-torch

subproject: setup  ## Graftwork built as a part of another project, and its program run; prints the time
	@scripts/subproject.sh

mixed-builds: setup  ## the library in Debug under a program in Release; prints the time
	@scripts/mixed_builds.sh

aarch64: setup  ## the half without torch for ARM, where Debian's cross compiler is installed
	@scripts/aarch64.sh

format:  ## clang-format and ruff, in place
	@scripts/setup.sh lint
	@scripts/lint.sh --fix

lint: build  ## clang-format, clang-tidy, ruff: checks only
	@scripts/setup.sh lint
	@scripts/lint.sh

fuzz: setup  ## hostile input by clang's libFuzzer, under sanitizers too; FUZZ_SECONDS in all (600)
	@scripts/setup.sh fuzz
	@scripts/fuzz.sh

attack: build  ## hostile input in great numbers, a row for each kind; ATTACK="--only operators --count 1000" passes options
	@$(PYTHON) tests/attack/run.py $(ATTACK)

sanitize: setup  ## the half without torch, under AddressSanitizer and UBSan, with a few mutations of hostile files
	@[ -e build/asan/build.ninja ] || cmake --preset asan
	@cmake --build build/asan
	@ctest --test-dir build/asan --output-on-failure --no-tests=error -j "$$(nproc)"

clean:  ## removes build/ and out/; .venv stays
	@rm -rf build out
