#!/usr/bin/env bash
# Adds to .venv what trains critics and embeds sentences: torch, and what is built on it. Called by make.
set -euo pipefail
cd "$(dirname "$0")"
pip=(.venv/bin/python -m pip --disable-pip-version-check)

# Without its dependencies that constraints.txt has already, and before all that would bring in the build for GPUs. To
# have that one, install it into .venv first.
.venv/bin/python -c "import torch" 2> /dev/null || "${pip[@]}" install --quiet torch==2.13.0
# The list is whole, so nothing need be resolved, and torch, which is not on it, stays as it is.
"${pip[@]}" install --quiet --no-deps --require-hashes -r constraints-torch.txt
