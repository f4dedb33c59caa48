"""How the rows are made that the shipped judge's adapter is trained on.

    python -m bench.training OUT [--seed 0]

`SUPEREGO_EVAL` names the folder of the evaluation data, `../shared/eval/dev` if not given; the training sets are beside
it. Nothing of them is kept here. What the project says itself is in the YAML files.
"""
