"""Linear heads on what a model holds of a text in its cache."""

from critics.probe.critic import ProbeCritic
from critics.probe.probe import Head, Probe, States, Vector
from critics.probe.probe_file import read_probe, write_probe

__all__ = ["Head", "Probe", "ProbeCritic", "States", "Vector", "read_probe", "write_probe"]
