"""Personal data told by its form: patterns and checksums, no model, no network."""

from critics.personal_data.critic import PersonalDataCritic

__all__ = ["PersonalDataCritic"]
