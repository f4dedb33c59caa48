"""An adapter made straight from a manifesto's words, with no training step. It takes the extra `identity`."""

from pipeline.identity.steer.build import Steer, build_steer, read_steer, refined, write_steer
from pipeline.identity.steer.plan import Plan

__all__ = ["Plan", "Steer", "build_steer", "read_steer", "refined", "write_steer"]
