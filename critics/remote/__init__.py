"""The critic that asks a moderation service which kinds of harm a text holds."""

from critics.remote.critic import Moderator, RemoteCritic

__all__ = ["Moderator", "RemoteCritic"]
