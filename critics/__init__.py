"""The lower room: judges an exchange by the rules of a manifesto. Knows no generator, loop, server or vendor."""

from critics.calibration import corrected, logit
from critics.critic import Critic
from critics.deadline import THREAD, time_left, within
from critics.errors import CriticsError, ExtraMissing, Fault, ManifestoError, ModelError, Unreadable
from critics.exchange import Exchange, Message, Role, Source
from critics.finding import Finding, FindingOutcome, Span, Usage, undecided
from critics.judge.judge import Judge
from critics.judge.model import JudgeModel, NoLogProbabilities, Prompt, Reading, Written
from critics.judge.prompts import Conversation
from critics.lint import BUILT_IN, DETERMINISTIC, check, load
from critics.manifesto.calibration import Calibration, Platt
from critics.manifesto.schema import Budget, Example, Length, Manifesto, Patterns, PersonalData, Rule
from critics.manifesto.tree import Node, read_yaml
from critics.manifesto.validate import did_you_mean
from critics.panel import Panel
from critics.patterns import PatternsCritic
from critics.personal_data import PersonalDataCritic
from critics.remote import Moderator, RemoteCritic
from critics.scripted import ScriptedCritic, ScriptedJudgeModel
from critics.semantic import Embedder, SemanticCritic
from critics.text.fence import Fence, neutralise
from critics.text.normalise import normalise, visible
from critics.text.sentences import sentences
from critics.verdict import Judgement, Verdict, VerdictOutcome, weigh

__all__ = [
    "BUILT_IN",
    "DETERMINISTIC",
    "THREAD",
    "Budget",
    "Calibration",
    "Conversation",
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
    "Platt",
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
    "corrected",
    "did_you_mean",
    "load",
    "logit",
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
