#!/usr/bin/env bash
# Builds the half without torch for ARM with Debian's cross compiler; skipped where there is none. What it links is
# unpacked into out/aarch64, so that the system stays as it is.
set -euo pipefail
cd "$(dirname "$0")/.."

folder=$PWD/out/aarch64
sysroot=$folder/sysroot
packages=(libprotobuf-dev libprotobuf-lite32 libprotobuf32 libjpeg62-turbo-dev libjpeg62-turbo libpng-dev libpng16-16
  zlib1g-dev zlib1g)

if ! command -v aarch64-linux-gnu-g++ >/dev/null; then
  echo "aarch64: skipped, there is no aarch64-linux-gnu-g++ (apt-get install g++-aarch64-linux-gnu)"
  exit 0
fi

# apt of its own: it knows packages for ARM, and the system's goes on not knowing them.
apt() {
  apt-get -qq -o APT::Architecture=arm64 -o APT::Architectures=arm64 -o Dir::State="$folder/apt" \
    -o Dir::State::status="$folder/apt/status" -o Dir::Cache="$folder/apt/cache" "$@"
}
if [[ ! -e $sysroot/.unpacked ]]; then
  mkdir -p "$folder"/apt/{lists,cache}/partial "$folder/apt/cache/archives/partial" "$sysroot"
  touch "$folder/apt/status"
  apt update
  (cd "$folder/apt" && apt download "${packages[@]}")
  for package in "$folder"/apt/*.deb; do dpkg-deb -x "$package" "$sysroot"; done
  # Where /lib is a link to /usr/lib, as on every system of today; links with the system's paths lead out of the folder.
  if [[ -d $sysroot/lib && ! -L $sysroot/lib ]]; then
    cp -a "$sysroot/lib/." "$sysroot/usr/lib/"
    rm -r "$sysroot/lib"
  fi
  find "$sysroot/usr/lib" -lname '/*' | while read -r link; do ln -sfn "$(basename "$(readlink "$link")")" "$link"; done
  touch "$sysroot/.unpacked"
fi

begin=$SECONDS
cmake -S . -B "$folder/build" -G Ninja --toolchain cmake/toolchains/aarch64.cmake -DCMAKE_BUILD_TYPE=Release \
  -DGRAFTWORK_SYSROOT="$sysroot" -DGRAFTWORK_WITH_TORCH=OFF -DGRAFTWORK_BUILD_TESTS=OFF >"$folder/configure.log" 2>&1 ||
  { cat "$folder/configure.log"; exit 1; }
cmake --build "$folder/build"
header=$(readelf -h "$folder/build/bin/graftwork" | awk '/Machine/ { print $2 }')
[[ $header == AArch64 ]]
echo "aarch64: $folder/build/bin/graftwork, in $((SECONDS - begin)) s"
