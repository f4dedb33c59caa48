"""The lower room: judges an exchange by the rules of a manifesto. Knows no generator, loop, server or vendor."""

from critics.behind import leave_behind, left_behind
from critics.calibration import corrected, logit
from critics.cascade import settles
from critics.critic import Critic
from critics.deadline import THREAD, time_left, within
from critics.errors import CriticsError, ExtraMissing, Fault, ManifestoError, ModelError, Unreadable
from critics.exchange import Exchange, Message, Role, Source, ToolCall
from critics.finding import Finding, FindingOutcome, Span, Usage, undecided
from critics.follow import Follow, Follower, following
from critics.grounded import GroundedCritic
from critics.guard.critic import GuardCritic
from critics.guard.families import GUARD_FAMILIES, GuardFamily, guard_family
from critics.guard.fitting import NO_MODEL, guard_misfits
from critics.guard.model import GuardAnswer, GuardModel, GuardPrompt, Place, spelt
from critics.judge.judge import Judge
from critics.judge.model import JudgeModel, NoLogProbabilities, Prompt, ReadAhead, Reading, ReadsAhead, Written
from critics.judge.prompts import Conversation
from critics.lint import BUILT_IN, DETERMINISTIC, check, load
from critics.manifesto.calibration import Calibration, Platt
from critics.manifesto.extends import lineage, locate
from critics.manifesto.schema import Budget, Example, Guard, Length, Manifesto, Patterns, PersonalData, Rule, Stream
from critics.manifesto.tree import Node, read_yaml
from critics.manifesto.validate import did_you_mean, worded
from critics.panel import Panel
from critics.partial import asks_of_whole, needs_whole
from critics.patterns import PatternsCritic
from critics.personal_data import PersonalDataCritic
from critics.probe import Head, Probe, ProbeCritic, States, Vector, read_probe, write_probe
from critics.remote import Moderator, RemoteCritic
from critics.scripted import ScriptedCritic, ScriptedGuardModel, ScriptedJudgeModel
from critics.semantic import Embedder, SemanticCritic
from critics.text.fence import Fence, neutralise
from critics.text.normalise import normalise, visible
from critics.text.readings import unsettled
from critics.text.sentences import sentences
from critics.text.unspaced import WORD_LETTERS
from critics.verdict import IN_PART, Judgement, Verdict, VerdictOutcome, weigh

__all__ = [
    "BUILT_IN",
    "DETERMINISTIC",
    "GUARD_FAMILIES",
    "IN_PART",
    "NO_MODEL",
    "THREAD",
    "WORD_LETTERS",
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
    "Follow",
    "Follower",
    "GroundedCritic",
    "Guard",
    "GuardAnswer",
    "GuardCritic",
    "GuardFamily",
    "GuardModel",
    "GuardPrompt",
    "Head",
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
    "Place",
    "Platt",
    "Probe",
    "ProbeCritic",
    "Prompt",
    "ReadAhead",
    "Reading",
    "ReadsAhead",
    "RemoteCritic",
    "Role",
    "Rule",
    "ScriptedCritic",
    "ScriptedGuardModel",
    "ScriptedJudgeModel",
    "SemanticCritic",
    "Source",
    "Span",
    "States",
    "Stream",
    "ToolCall",
    "Unreadable",
    "Usage",
    "Vector",
    "Verdict",
    "VerdictOutcome",
    "Written",
    "asks_of_whole",
    "check",
    "corrected",
    "did_you_mean",
    "following",
    "guard_family",
    "guard_misfits",
    "leave_behind",
    "left_behind",
    "lineage",
    "load",
    "locate",
    "logit",
    "needs_whole",
    "neutralise",
    "normalise",
    "read_probe",
    "read_yaml",
    "sentences",
    "settles",
    "spelt",
    "time_left",
    "undecided",
    "unsettled",
    "visible",
    "weigh",
    "within",
    "worded",
    "write_probe",
]
