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
# shellcheck disable=SC2086  # three flags, three words
if echo | c++ $no_amx -E - > /dev/null 2>&1; then
  export CMAKE_ARGS="${CMAKE_ARGS:-} -DCMAKE_C_FLAGS='$no_amx' -DCMAKE_CXX_FLAGS='$no_amx'"
fi

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
if crashes; then
  echo "pip had a llama.cpp in its cache that crashes on this machine. It is compiled anew: 3 to 5 minutes."
  "${pip[@]}" cache remove --quiet llama_cpp_python || true
  "${pip[@]}" uninstall --quiet --yes llama-cpp-python
  "${pip[@]}" install --quiet --require-hashes -r constraints.txt
  if crashes; then
    echo "llama.cpp was compiled but crashes on this machine; see docs/trouble.md." >&2
    exit 1
  fi
fi
echo "Installed."
