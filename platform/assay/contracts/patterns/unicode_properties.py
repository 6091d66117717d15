"""Properties of Unicode that a pattern may ask for: general categories and scripts that every engine knows, under all their names."""

from __future__ import annotations

from assay.contracts.language.names import suggest
from assay.contracts.patterns.pattern import NotAPattern

CATEGORIES = {
    "L": "Letter", "Lu": "Uppercase_Letter", "Ll": "Lowercase_Letter", "Lt": "Titlecase_Letter", "Lm": "Modifier_Letter",
    "Lo": "Other_Letter", "M": "Mark", "Mn": "Nonspacing_Mark", "Mc": "Spacing_Mark", "Me": "Enclosing_Mark", "N": "Number",
    "Nd": "Decimal_Number", "Nl": "Letter_Number", "No": "Other_Number", "P": "Punctuation", "Pc": "Connector_Punctuation",
    "Pd": "Dash_Punctuation", "Ps": "Open_Punctuation", "Pe": "Close_Punctuation", "Pi": "Initial_Punctuation", "Pf": "Final_Punctuation",
    "Po": "Other_Punctuation", "S": "Symbol", "Sm": "Math_Symbol", "Sc": "Currency_Symbol", "Sk": "Modifier_Symbol", "So": "Other_Symbol",
    "Z": "Separator", "Zs": "Space_Separator", "Zl": "Line_Separator", "Zp": "Paragraph_Separator", "Cc": "Control", "Cf": "Format",
}  # fmt: skip
SCRIPTS = (
    "Arabic", "Armenian", "Bengali", "Cyrillic", "Devanagari", "Ethiopic", "Georgian", "Greek", "Gujarati", "Han", "Hangul", "Hebrew",
    "Hiragana", "Katakana", "Khmer", "Lao", "Latin", "Mongolian", "Myanmar", "Sinhala", "Tamil", "Telugu", "Thai", "Tibetan",
)  # fmt: skip
SCRIPT = "Script="


def property_of(said: str) -> str:
    """The short name of a category, or `Script=` and its name. Raises NotAPattern for one that engines do not share."""
    kind, _, name = said.rpartition("=")
    if kind in {"", "gc", "General_Category"}:
        found = next((short for short, long in CATEGORIES.items() if name in {short, long}), None)
        if found:
            return found
    if kind in {"", "sc", "Script"} and name in SCRIPTS:
        return SCRIPT + name
    hint = suggest(name, (*CATEGORIES, *CATEGORIES.values(), *SCRIPTS))
    raise NotAPattern(f"uses \\p{{{said}}}, which not every engine knows", hint)
