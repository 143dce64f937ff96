"""What markup, control characters and wrongly decoded text look like: read by cleaners and checks alike."""

import re

_BLOCK = (
    "address|article|aside|blockquote|body|br|dd|details|div|dl|dt|fieldset|figcaption|figure|footer|form|h[1-6]|head|"
    "header|hr|html|iframe|legend|li|link|main|meta|nav|ol|option|p|pre|section|select|table|tbody|td|textarea|tfoot|"
    "th|thead|title|tr|ul"
)
_INLINE = (
    "a|abbr|acronym|audio|b|base|bdi|bdo|big|button|canvas|center|cite|code|del|dfn|em|embed|font|i|img|input|ins|kbd|"
    "label|map|mark|noscript|object|q|s|samp|script|small|source|span|strike|strong|style|sub|summary|sup|tt|u|var|"
    "video|wbr"
)

HIDDEN = re.compile(r"<!--.{0,5000}?-->|<!doctype\b[^<>]*>|<(script|style)\b[^<>]*>.{0,5000}?</\1\s*>", re.I | re.S)
"""Comments, document types, scripts and styles: markup of which nothing is shown."""

TAG = re.compile(rf"</?(?:(?P<block>{_BLOCK})|(?:{_INLINE}))(?:\s[^<>]*)?/?>", re.I)
"""One HTML tag; the group `block` has its name when it stands on lines of its own, so that a space takes its place.

Words in angle brackets that are no HTML element are left alone."""

ENTITY = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
"""One HTML entity, known or not."""

CONTROL = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\u00ad\u200b\u202a-\u202e\u2060\u2066-\u2069\ufeff\ud800-\udfff]"
)
"""Characters that show nothing: controls, zero-width space, soft hyphen, overrides of direction, lone surrogates.

Joiners and direction marks (U+200C to U+200F) are not among them: emoji and several scripts need those.
"""

LINE = re.compile("[\x0b\x0c\x85\u2028\u2029]")
"""Rare characters that break a line."""

REPLACEMENT = re.compile("\ufffd|锟斤拷")
"""What is left where a wrong encoding lost a character."""

_HIGH = "\x80-\xbf€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ"
MOJIBAKE = re.compile(
    f"Ã[{_HIGH}]|Â[\x80-\x9f\xa0-\xbf]|â[€\x80][{_HIGH}]|ï¼[{_HIGH}]"
    f"|(?:[ÐÑ][{_HIGH}]){{3}}|(?:[åäæçèé][{_HIGH}]{{2}}){{2}}"
)
"""UTF-8 that was read as Windows-1252 or Latin-1, such as `Ã©` for `é`."""
