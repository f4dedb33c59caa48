"""The one door to OpenAI's own client: its moderation endpoint, and servers that speak as it does."""

from pipeline.openai_door.moderation import OpenAiModerator

__all__ = ["OpenAiModerator"]
