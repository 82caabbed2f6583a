"""What annotators read, apart from the questions: one place for all words."""

from __future__ import annotations

import re

SIGN_IN = "Please open the personal link that you were given."
PROBLEMS = {
    "link": "This link is not valid, or it has expired. Please ask for a new one.",
    "left": "You have logged out. Your answers are stored; your personal link brings you back.",
}

CONSENT_TITLE = "Before you start"
AGREE = "I agree and take part"

INSTRUCTIONS = """\
You will see pictures of people, one after the other, and answer one question at a time by choosing
one of five answers. Answers have words; choose the one that fits best. There are no trick
questions, and no right answers apart from your honest impression. Now and then a question tells
you what to answer, to check that questions are read.

**Every answer is stored at once.** You may stop whenever you like and come back with your link: you
continue exactly where you were.
"""
SHOWN = {
    "pair": "Where two pictures are shown, the left one is the original and the right one was made "
    "from it.",
    "preference": "Sometimes two pictures are compared: choose the left one, the right one, or no "
    "difference.",
}
KEYS = (
    ("1 – 5", "answer; the next question comes by itself"),
    ("1 / 0 / 2", "left is better / no difference / right is better"),
    ("←", "back: change the last answer"),
    ("→", "next question, where this one is answered"),
    ("Z", "zoom in, further down, out again (or click a picture, and move)"),
    ("S", "skip these pictures, with a reason"),
)

KEYS_SHORT = {
    "likert": "Keys: 1–5 answer",
    "pairwise": "Keys: 1 left, 0 no difference, 2 right",
}
KEYS_REST = "← back · → next · S skip · Z or click zoom"

SKIP_QUESTION = "Why do you skip these pictures?"
SKIP_REASONS = (
    "A picture is missing or broken",
    "I know this person",
    "I do not want to look at it",
    "The question does not fit the pictures",
)

DONE = "You have finished: there is nothing left to rate. Thank you!"
CLOSED = "This study is closed. Thank you for your interest."
WITHDRAWN = "You have withdrawn. Your answers were deleted."
WITHDRAW = (
    "If you withdraw, all your answers and your name are deleted, and your link no longer works. "
    "This cannot be undone."
)
TOO_QUICK = "That was quick: please look at the new question, then answer."


def plain(text: str) -> str:
    r"""Words that somebody wrote, so that Markdown shows them as they are.

    >>> print(plain("*<b>a</b>*"))
    \*\<b\>a\<\/b\>\*
    """
    return re.sub(r"([!-/:-@\[-`{-~])", r"\\\1", text)


def minutes(seconds: float) -> str:
    """A duration in words.

    >>> minutes(20), minutes(150), minutes(4000)
    ('less than a minute', '2 min', '1 h 7 min')
    """
    if seconds < 60:
        return "less than a minute"
    whole = round(seconds / 60)
    return f"{whole} min" if whole < 60 else f"{whole // 60} h {whole % 60} min"
