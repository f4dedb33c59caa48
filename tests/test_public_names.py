from __future__ import annotations

import critics
import manifestos
import pipeline


def test_the_public_names_are_these() -> None:
    """A name that comes or goes is a decision, not an accident."""
    assert critics.__all__ == [
        "BUILT_IN",
        "DETERMINISTIC",
        "THREAD",
        "Budget",
        "Critic",
        "CriticsError",
        "Embedder",
        "Example",
        "Exchange",
        "ExtraMissing",
        "Fault",
        "Fence",
        "Finding",
        "FindingOutcome",
        "Judge",
        "JudgeModel",
        "Judgement",
        "Length",
        "Manifesto",
        "ManifestoError",
        "Message",
        "ModelError",
        "Moderator",
        "NoLogProbabilities",
        "Node",
        "Panel",
        "Patterns",
        "PatternsCritic",
        "PersonalData",
        "PersonalDataCritic",
        "Prompt",
        "Reading",
        "RemoteCritic",
        "Role",
        "Rule",
        "ScriptedCritic",
        "ScriptedJudgeModel",
        "SemanticCritic",
        "Source",
        "Span",
        "Unreadable",
        "Usage",
        "Verdict",
        "VerdictOutcome",
        "Written",
        "check",
        "did_you_mean",
        "load",
        "neutralise",
        "normalise",
        "read_yaml",
        "sentences",
        "time_left",
        "undecided",
        "visible",
        "weigh",
        "within",
    ]
    assert pipeline.__all__ == [
        "Attempt",
        "BadInput",
        "ContextOverflow",
        "Cost",
        "DraftRequest",
        "Generator",
        "Loop",
        "ModelFault",
        "ModelMissing",
        "ModelRefused",
        "ModelUnavailable",
        "ModelUnusable",
        "Observer",
        "Outcome",
        "OutputFault",
        "Piece",
        "Pieces",
        "Pipeline",
        "PipelineError",
        "ScriptedGenerator",
        "Settings",
        "SettingsError",
        "Withheld",
        "assemble",
        "load",
        "load_settings",
    ]
    assert manifestos.__all__ == ["DEFAULT", "names", "path", "schema_path"]


def test_every_public_name_exists() -> None:
    """`from room import *` works."""
    for room in (critics, pipeline, manifestos):
        assert all(hasattr(room, name) for name in room.__all__)
