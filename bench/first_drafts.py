"""How many first drafts pass, by identity, where small models break rules most: requests for a piece of writing.

    python -m bench.writing > writing.txt
    superego identity build lora -m house-style --prompts-from writing.txt --seed 1 -o one.gguf
    python -m bench.first_drafts house-style [one.gguf …]

Drafts of 256 tokens at most, each prompt with three seeds; none and the pre-prompt beside the files.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from statistics import mean

from bench.writing import measuring
from critics import load
from pipeline import load_settings
from pipeline.assembly import Parts, asks_model
from pipeline.identity import Worn, preprompt
from pipeline.identity.compare import drafts
from pipeline.llama import Adapter

LENGTH = 256
SEEDS = (1, 2, 3)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("manifesto")
    parser.add_argument("files", nargs="*", type=Path)
    parser.add_argument("--alone", action="store_true", help="the files, without none and the pre-prompt")
    given = parser.parse_args()
    manifesto = load(given.manifesto)
    forms = {} if given.alone else {"none": Worn(), "preprompt": Worn(preprompt(manifesto))}
    forms |= {file.name: Worn(None, (Adapter(file),)) for file in given.files}
    parts = Parts(load_settings(flags={"generator": {"max_tokens": LENGTH}}), judged=asks_model(manifesto))
    try:
        for name, worn in forms.items():
            pipeline = parts.pipeline(manifesto, generator=parts.generator(manifesto, worn))
            runs = [drafts(pipeline, measuring(), seed=seed) for seed in SEEDS]
            passed, each = mean(run.passed for run in runs), ", ".join(f"{run.passed:.2f}" for run in runs)
            written = mean(run.per_release for run in runs if run.per_release is not None)
            print(f"{name}: {passed:.2f} ({each}), {written:.2f} drafts a release", flush=True)
    finally:
        parts.close()


if __name__ == "__main__":
    main()
