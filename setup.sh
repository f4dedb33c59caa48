#!/usr/bin/env bash
# Sets up .venv with everything pinned in constraints.txt, and this project in it. Called by make.
set -euo pipefail
cd "$(dirname "$0")"
python="${1:-python3}"
pip=(.venv/bin/python -m pip --disable-pip-version-check)

"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
  echo "superego needs Python 3.11 or newer, and $python is $("$python" --version 2>&1). Try: make PYTHON=python3.12 demo" >&2
  exit 1
}
for tool in cc c++; do
  command -v "$tool" > /dev/null || {
    echo "llama.cpp is compiled here and needs a C and a C++ compiler ($tool is missing). On Debian: apt-get install build-essential" >&2
    exit 1
  }
done

# Some virtual machines announce Intel's AMX and then fault on its first instruction, which takes the process down. Its
# gain on quantised weights is small, so llama.cpp is compiled without it. Only compilers for x86 know the switch.
no_amx="-mno-amx-tile -mno-amx-int8 -mno-amx-bf16"
# To write a token all weights are read, and Intel's processors fetch nothing ahead across the end of four kilobytes. So
# whoever looks up a block's scale has what lies four kilobytes behind it fetched: docs/performance.md.
fetch_ahead=""
# shellcheck disable=SC2086  # three flags, three words
if echo | c++ $no_amx -E - > /dev/null 2>&1; then
  if grep -qs GenuineIntel /proc/cpuinfo; then
    fetch_ahead="'-DGGML_CPU_FP16_TO_FP32(x)=(__builtin_prefetch((const char*)&(x)+4096),ggml_table_f32_f16[x])'"
  fi
  export CMAKE_ARGS="${CMAKE_ARGS:-} -DCMAKE_C_FLAGS=\"$no_amx $fetch_ahead\" -DCMAKE_CXX_FLAGS='$no_amx'"
fi

lacks_fetching() { # whether it was compiled before that was done; not where it has no such function, or nobody can look
  [ -n "$fetch_ahead" ] || return 1
  local code lib=.venv/lib/python*/site-packages/llama_cpp/lib/libggml-cpu.so
  # shellcheck disable=SC2086  # a pattern
  code="$(objdump --disassemble=ggml_vec_dot_q8_0_q8_0 $lib 2> /dev/null)" || return 1
  [[ $code == *"<ggml_vec_dot_q8_0_q8_0"* && $code != *prefetch* ]]
}

crashes() { # at one token: a crash here would be one at the first question. What Python says of anything else is shown
  local status=0
  .venv/bin/python - << 'EOF' || status=$?
from pipeline.assembly.embedded import weights
from pipeline.llama.engine.device import Row
from pipeline.llama.engine.llama_device import LlamaDevice
from pipeline.llama.model import LlamaModel
device = LlamaDevice(LlamaModel(weights()), cells=64)
device.decode([Row(1, 0, 0, True)])
device.close()
EOF
  [ "$status" -le 128 ] || return 0 # ended by a signal
  [ "$status" -eq 0 ] || exit "$status"
  return 1
}

[ -x .venv/bin/python ] || "$python" -m venv .venv
echo "Installing into .venv. The first time on a machine, llama.cpp is compiled from source: 3 to 5 minutes of silence."
"${pip[@]}" install --quiet --require-hashes -r constraints.txt
"${pip[@]}" install --quiet --no-deps --no-build-isolation -e .
wrong=""
if crashes; then
  wrong="crashes on this machine"
elif lacks_fetching; then
  wrong="writes more slowly on this machine than it could"
fi
if [ -n "$wrong" ]; then
  echo "pip had a llama.cpp in its cache that $wrong. It is compiled anew: 3 to 5 minutes."
  "${pip[@]}" cache remove --quiet llama_cpp_python || true
  "${pip[@]}" uninstall --quiet --yes llama-cpp-python
  "${pip[@]}" install --quiet --require-hashes -r constraints.txt
  if crashes; then
    echo "llama.cpp was compiled but crashes on this machine; see docs/trouble.md." >&2
    exit 1
  fi
fi
echo "Installed."
