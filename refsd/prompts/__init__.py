"""What the refined person shall look like, in words: attributes → prompt.

``make_prompt`` reads as the table of contents: what is asked for (``vocabulary``) is checked for
contradictions (``conflicts``), completed by chance (``drawing``) and by what the avatar wears, and
put into words (``wording``).
"""

from refsd.prompts.conflicts import CLASHES, Clash, check, find_clash, fits, resolve
from refsd.prompts.making import (
    PromptConfig,
    avatar_attributes,
    for_suite,
    make_prompt,
    make_prompts,
    mode_suffix,
    view_of,
    wanted_attributes,
)
from refsd.prompts.prompt import Prompt, PromptError, View
from refsd.prompts.scope import Scope, load_scope, write_scope
from refsd.prompts.vocabulary import VOCABULARY, Attribute, age_group, canonical
from refsd.prompts.wording import count_tokens

__all__ = [
    "CLASHES",
    "VOCABULARY",
    "Attribute",
    "Clash",
    "Prompt",
    "PromptConfig",
    "PromptError",
    "Scope",
    "View",
    "age_group",
    "avatar_attributes",
    "canonical",
    "check",
    "count_tokens",
    "find_clash",
    "fits",
    "for_suite",
    "load_scope",
    "make_prompt",
    "make_prompts",
    "mode_suffix",
    "resolve",
    "view_of",
    "wanted_attributes",
    "write_scope",
]
