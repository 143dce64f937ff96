"""Words of a stretch of Latin text in small letters, cut as NLTK cuts them."""

import re

# In this order: each rule sees what those before it have left. Words are parted by a space. Rules for signs that
# CMRC 2018 leaves out beforehand, such as hyphens and colons, are not here.
RULES = (
    (r"([«‘„])", r" \1 "),
    (r'^"', " `` "),  # an opening quote is another word than a closing one
    (r"([ (\[{<])(?:\"|'')", r"\1 `` "),
    (r"(?<!\w)'(?!(?:re|ve|ll|m|t|s|d|n)\b)(?=\w)", "' "),
    (r"([^.])\.([\])}>\"'» ]*)\s*$", r"\1 . \2 "),  # the last full stop: any other stays with its word
    (r",(\D)", r" , \1"),
    (r",$", " , "),
    (r"(\.{2,})", r" \1 "),
    (r"([;@#$%&?!\u2012-\u2015])", r" \1 "),
    (r"([^'])' ", r"\1 ' "),
    (r"([\[\](){}<>])", r" \1 "),
    (r"^|$", " "),
    (r"(»)", r" \1 "),
    (r"''|\"", " '' "),
    (r"\s+", " "),
    (r"([^' ])('[smd]?) ", r"\1 \2 "),
    (r"([^' ])('ll|'re|'ve|n't) ", r"\1 \2 "),
    *((rf"\b({first})({second})\b", r" \1 \2 ") for first, second in (
        ("can", "not"), ("d", "'ye"), ("gim", "me"), ("gon", "na"), ("got", "ta"), ("lem", "me"), ("more", "'n"),
    )),
    (r"\b(wan)(na)(?=\s)", r" \1 \2 "),
    (r" ('t)(is)\b", r" \1 \2 "),
    (r" ('t)(was)\b", r" \1 \2 "),
)  # fmt: skip


def latin_words(text: str) -> list[str]:
    """The words of one sentence in small letters; punctuation and clitics ('s, n't) are words of their own.

    Source: the rules of Robert MacIntyre's tokenizer of the Penn Treebank (1995) as NLTK's word_tokenize extends them.
    """
    text = text.rstrip()
    for pattern, replacement in RULES:
        text = re.sub(pattern, replacement, text)
    return text.split()
