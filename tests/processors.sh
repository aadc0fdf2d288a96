#!/usr/bin/env bash
# The trainer as other processors see it, by an emulator of user programs (Debian's package qemu-user): from the same
# checkpoint the same model file, and a training that works. Usage: tests/processors.sh TRAINER
set -euo pipefail
trainer=$(realpath "$1")
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
short=(--points 300 --training-steps 60 --batch 64 --hidden 16,16 --samples 50)
"$trainer" train --data digits --latent 12 "${short[@]}" --out run >/dev/null
for cpu in Nehalem Haswell; do
  qemu-x86_64 -cpu "$cpu" "$trainer" quantize run --out "$cpu.postcard" >/dev/null 2>&1
  cmp "$cpu.postcard" run/model.postcard
  qemu-x86_64 -cpu "$cpu" "$trainer" train --data moons "${short[@]}" --out "run-$cpu" >/dev/null 2>&1
  qemu-x86_64 -cpu "$cpu" "$trainer" eval "run-$cpu" >/dev/null 2>&1
  echo "$cpu: same model file, and a training that works"
done
