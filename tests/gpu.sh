#!/usr/bin/env bash
# On a machine with an NVIDIA GPU: the device tests, then steps of training a second beside the CPU and, where it is
# installed, PyTorch (`pip install torch`). Needs what the README's section on GPUs names.
set -euo pipefail
cd "$(dirname "$0")/.."

missing() { echo "tests/gpu.sh: $*"; exit 1; }
command -v nvidia-smi >/dev/null || missing "no nvidia-smi: install the NVIDIA driver"
command -v nvcc >/dev/null || missing "no nvcc in the PATH: install the CUDA toolkit, 12.x or 13.0 (often in /usr/local/cuda/bin)"
command -v g++ >/dev/null || missing "no g++, which nvcc needs"
nvidia-smi --query-gpu=name,driver_version,compute_cap --format=csv || missing "nvidia-smi finds no GPU"

trainer=$(cargo build --release -p trainer -p tests --examples --bins --features trainer/cuda,tests/cuda \
  --message-format json | grep -o '"executable":"[^"]*/trainer"' | cut -d'"' -f4)
"$trainer" devices
"$trainer" devices | grep -q '^cuda 0' || missing "the trainer sees no GPU"

# One at a time: a test of memory is among them.
cargo test --release -p trainer --features cuda --test gpu -- --test-threads 1

example=$(dirname "$trainer")/examples/training
threads=$(nproc)
times() { awk "BEGIN { printf \"%.0f\", $1 * $2 }"; }
ratio() { awk "BEGIN { printf \"%.2f\", $1 / $2 }"; }
rates=$(mktemp)
trap 'rm -f "$rates"' EXIT
python3 -c 'import torch; assert torch.cuda.is_available()' 2>/dev/null && torch=1 || torch=
[ -n "$torch" ] || echo "PyTorch with CUDA is not installed, so not measured"

echo
echo "| network, batch | GPU, steps/s | examples/s | of sgemm | CPU, $threads threads, examples/s | GPU/CPU | PyTorch eager, steps/s | compiled | ours/eager |"
echo "|---|---|---|---|---|---|---|---|---|"
for net in "2,88,88,2 512" "784,512,512,784 4096" "784,2048,2048,784 4096"; do
  read -r widths batch <<<"$net"
  read -r steps share <<<"$("$example" "$widths" "$batch" "$threads" cuda)"
  cpu=$("$example" "$widths" "$batch" "$threads" cpu)
  eager=- compiled=- lead=-
  if [ -n "$torch" ]; then
    python3 tests/compare.py torch "$widths" "$batch" >"$rates" || true
    { read -r eager; read -r compiled; } <"$rates" || true
    [ -z "$eager" ] || lead=$(ratio "$steps" "$eager")
  fi
  echo "| ${widths//,/-}, $batch | $steps | $(times "$steps" "$batch") | $share | $(times "$cpu" "$batch") | $(ratio "$steps" "$cpu") | $eager | $compiled | $lead |"
done
