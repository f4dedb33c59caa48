"""The fact check: claims of the draft that the exchange's sources contradict, or do not bear out."""

from critics.grounded.critic import GroundedCritic

__all__ = ["GroundedCritic"]
