"""What can be judged without a model: expressions, words, lengths, languages."""

from critics.patterns.anchors import misplaced
from critics.patterns.forms import forms
from critics.patterns.language import knows_language
from critics.patterns.patterns import PatternsCritic
from critics.patterns.regex import PatternError, compile_pattern, matches_empty, pitfall

__all__ = [
    "PatternError",
    "PatternsCritic",
    "compile_pattern",
    "forms",
    "knows_language",
    "matches_empty",
    "misplaced",
    "pitfall",
]
