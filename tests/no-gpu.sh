#!/usr/bin/env bash
# A binary built with --features cuda where there is no GPU, or one that will not do: what it says, that it exits with 1,
# and that nothing is written or lost.
# usage: tests/no-gpu.sh TRAINER
set -euo pipefail
trainer=$(realpath "$1")
mock=$(realpath "$(dirname "$0")")/mock-cuda.c
cd "$(mktemp -d)"
folder=$PWD
trap 'rm -rf "$folder"' EXIT

mkdir libraries
gcc -shared -fPIC -w -o libraries/mock.so "$mock"
for library in $(readelf -d "$trainer" | grep -oE '\[lib(cuda|cublas|cublasLt|nvrtc)\.so[.0-9]*' | tr -d '['); do
  ln -s mock.so "libraries/$library"
done

fail() { echo "tests/no-gpu.sh: $*"; exit 1; }
short=(--training-steps 4 --batch 64 --hidden 16 --points 500 --samples 50)
run() { LD_BIND_NOW=1 LD_LIBRARY_PATH=$PWD/libraries "$trainer" "$@" >said 2>&1; }
# refused TEXT ARGUMENTS...: exits with 1 and says TEXT, and no panic.
refused() {
  local text=$1 code=0
  shift
  run "$@" || code=$?
  [ "$code" = 1 ] || fail "exit code $code: $(cat said)"
  grep -qF -- "$text" said || fail "'$text' is not in: $(cat said)"
  ! grep -q panicked said || fail "a panic: $(cat said)"
}

MOCK_GPUS=0 run devices || fail "$(cat said)"
grep -q "sees no GPU" said || fail "$(cat said)"
run devices || fail "$(cat said)"
grep -q "cuda 0 *Mock, 1.0 GiB" said || fail "$(cat said)"

MOCK_GPUS=0 refused "sees no GPU" train --out run "${short[@]}"
MOCK_CAPABILITY=7 refused "has compute capability 7.0" train --out run "${short[@]}"
MOCK_GPUS=0 refused "sees no GPU" eval --suite mixture --out run
MOCK_GPUS=0 refused "sees no GPU"
[ ! -e run ] && [ ! -e runs ] || fail "something was written"

run train --device cpu --out run "${short[@]}" || fail "$(cat said)"
before=$(sha256sum run/*)
MOCK_GPUS=0 refused "sees no GPU" distill run --out student
MOCK_GPUS=0 refused "sees no GPU" train --resume run
# Room for some examples; the checkpoint of an interrupted training stays.
LD_BIND_NOW=1 LD_LIBRARY_PATH=$PWD/libraries "$trainer" train --device cpu --out half --training-steps 20000 \
  --checkpoint-every 0.01 "${short[@]:2}" >said 2>&1 &
until [ -e half/checkpoint.safetensors ]; do
  kill -0 $! 2>/dev/null || fail "it ended before it was interrupted: $(cat said)"
  sleep 0.01
done
kill -INT $!
! wait $! || fail "it ended before it was interrupted: $(cat said)"
before=$(sha256sum half/checkpoint.safetensors)
MOCK_MEMORY=40000 refused "a batch of 64 does not fit into the memory of the GPU: 32 fit; train again with --batch 32" train --resume half
[ "$before" = "$(sha256sum half/checkpoint.safetensors)" ] || fail "the checkpoint was changed"
[ ! -e student ] || fail "something was written"
run train --resume half --device cpu || fail "a checkpoint does not go on: $(cat said)"

rm -r libraries
refused_by_the_loader=0
"$trainer" devices >said 2>&1 || refused_by_the_loader=$?
if [ "$refused_by_the_loader" != 0 ]; then
  grep -q "error while loading shared libraries: lib" said || fail "$(cat said)"
  echo "without CUDA's libraries the loader says: $(cat said)"
fi
echo "a CUDA build without a GPU: as it should be"
