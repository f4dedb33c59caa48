"""Personal data told by its form: patterns and checksums, no model, no network."""

from critics.personal_data.critic import PersonalDataCritic
from critics.personal_data.recognisers import unknown_regions

__all__ = ["PersonalDataCritic", "unknown_regions"]
