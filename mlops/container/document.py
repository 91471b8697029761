"""What kind of document a text is: a referral, an operative report, or something else.

A text is clinical if enough of its words are: words of the training notes that everyday English
does not use, and clinical cues. An operative report tells of the operation itself in several ways.
"""

import re
from collections.abc import Collection
from pathlib import Path

from mlops.container.terms import Encoded

EVERYDAY_FILE = Path(__file__).with_name("everyday.txt")
MIN_WORDS = 4
MIN_CLINICAL_WORDS = 2
MIN_CLINICAL_SHARE = 0.05

TOO_SHORT = "This is too short to judge: it has fewer than 4 words. Paste the whole note."
NOT_ENGLISH = "This does not look like English, the only language this model reads."
NOT_CLINICAL = "This does not look like a clinical note, so it was not classified."
OPERATIVE = (
    "This describes an operation that has already been done: it can't decide a referral. "
    "Paste what was written before the decision."
)

# Categories whose cues only medicine uses.
_CLINICAL_CUES = frozenset(
    [
        "emergency",
        "neuro_deficit",
        "malignancy",
        "fracture_displaced",
        "structural_severe",
        "medical_care",
        "benign",
        "undisplaced",
        "procedure_name",
    ]
)
_SHORTHAND = frozenset(
    [
        "yo",
        "y/o",
        "hx",
        "pmh",
        "psh",
        "fh",
        "sob",
        "c/o",
        "r/o",
        "s/p",
        "w/o",
        "bp",
        "hr",
        "rr",
        "temp",
        "afeb",
        "nkda",
        "prn",
        "bid",
        "tid",
        "qid",
        "qd",
        "po",
        "iv",
        "im",
        "sc",
        "ct",
        "mri",
        "us",
        "xr",
        "cxr",
        "kub",
        "ekg",
        "ecg",
        "wbc",
        "wcc",
        "hb",
        "hgb",
        "crp",
        "esr",
        "inr",
        "egfr",
        "tft",
        "lft",
        "lfts",
        "cea",
        "psa",
        "hcg",
        "gcs",
        "lih",
        "rih",
        "ruq",
        "rlq",
        "luq",
        "llq",
        "rif",
        "lif",
        "tka",
        "tha",
        "acl",
        "pcl",
        "mcl",
        "orif",
        "turp",
        "turbt",
        "bph",
        "dvt",
        "pe",
        "copd",
        "t2dm",
        "t1dm",
        "dm",
        "htn",
        "af",
        "mi",
        "cva",
        "tia",
        "ckd",
        "ibs",
        "gord",
        "gerd",
        "uti",
        "f/u",
        "dx",
        "rx",
        "tx",
        "abx",
        "abd",
        "pt",
    ]
)
_ENGLISH = frozenset(
    [
        "the",
        "of",
        "and",
        "to",
        "in",
        "with",
        "is",
        "was",
        "for",
        "has",
        "have",
        "had",
        "on",
        "at",
        "no",
        "not",
        "her",
        "his",
        "she",
        "he",
        "this",
        "that",
        "are",
        "be",
        "from",
        "by",
        "or",
        "but",
        "which",
        "been",
        "we",
        "you",
        "i",
        "it",
        "as",
        "an",
        "a",
        "who",
        "when",
        "after",
        "since",
        "would",
        "what",
        "my",
        "your",
    ]
)
# Words of other languages that are not English words, nor common in English clinical shorthand.
_FOREIGN = frozenset(
    [
        "der",
        "das",
        "und",
        "ist",
        "nicht",
        "mit",
        "ein",
        "eine",
        "einer",
        "dem",
        "den",
        "wir",
        "sie",
        "ich",
        "für",
        "auf",
        "wurde",
        "nach",
        "bei",
        "zur",
        "zum",
        "le",
        "les",
        "des",
        "est",
        "une",
        "dans",
        "pour",
        "avec",
        "sur",
        "du",
        "au",
        "aux",
        "nous",
        "vous",
        "elle",
        "sont",
        "qui",
        "que",
        "pas",
        "depuis",
        "el",
        "los",
        "las",
        "una",
        "del",
        "por",
        "para",
        "como",
        "su",
        "sus",
        "está",
        "con",
        "se",
        "al",
        "le",
        "presenta",
        "desde",
        "años",
        "il",
        "gli",
        "della",
        "di",
        "che",
        "non",
        "è",
        "nel",
        "alla",
        "sono",
        "anni",
        "dal",
        "dei",
        "delle",
        "o",
        "os",
        "um",
        "uma",
        "do",
        "da",
        "dos",
        "das",
        "não",
        "mais",
        "há",
        "em",
        "na",
        "pela",
        "anos",
        "são",
        "het",
        "een",
        "van",
        "niet",
        "voor",
        "zijn",
        "naar",
        "sinds",
        "och",
        "att",
        "det",
        "som",
        "är",
        "på",
        "av",
        "ett",
        "til",
        "ikke",
        "og",
        "jest",
        "nie",
        "się",
        "na",
        "z",
        "oraz",
    ]
) - {
    "do",
    "o",
    "das",
    "os",
    "na",
    "se",
    "al",
    "le",
    "au",
    "z",
    "di",
    "il",
    "con",
    "des",
    "den",
}

# What is told only of an operation that took place. Each is one sign; a report has several.
_OPERATIVE_SIGNS = tuple(
    re.compile(pattern)
    for pattern in (
        r"estimated blood loss|\bebl\b",
        r"(?:description|details?) of (?:the )?(?:procedure|operation)"
        r"|(?:procedure|operation) in detail"
        r"|procedures? performed|operations? performed|title of operation|name of operation",
        r"prepped and draped|sterile fashion|prepped with|draped in",
        r"(?:was|were) (?:then )?(?:taken|brought|transported|transferred|wheeled)[a-z ]{0,20} "
        r"(?:to|into) (?:the )?(?:operating|recovery|or\b|endoscopy|cath|post ?anesthesia|pacu)",
        r"(?:anesthesia|anaesthesia|sedation) (?:was|were) (?:then )?(?:induced|administered|given"
        r"|obtained|achieved|established)|(?:under|after) (?:adequate |satisfactory |general "
        r"|local |spinal |successful ){1,3}(?:anesthesia|anaesthesia|sedation)",
        r"incision (?:was|is) (?:then )?(?:made|carried|closed|extended)"
        r"|made an? [a-z ]{0,30}incision",
        r"h[ae]{1,2}mostasis",
        r"(?:was|were) (?:then )?(?:closed|approximated|reapproximated|irrigated|dissected|excised"
        r"|ligated|divided|clamped|cannulated|sutured|retracted|inserted|advanced)",
        r"(?:post ?operative|post ?op) diagnos[ei]s",
        r"tolerated the (?:procedure|operation|surgery)"
        r"|sponge,? (?:and )?(?:needle|lap)|counts were correct",
        r"\b0 vicryl|vicryl|monocryl|prolene|bovie|electrocautery|trocar|tourniquet time|guidewire",
        r"placed (?:in|on)[a-z ]{0,20} (?:the )?(?:supine|prone|lithotomy|decubitus|operating)"
        r"|(?:supine|prone|lithotomy|decubitus) position",
        r"\bcomplications? none|specimens? (?:removed|sent|none)|\bfluids? (?:replaced|received)",
    )
)
_MIN_SIGNS = 3
_LATIN = re.compile(r"[A-Za-z\u00c0-\u024f]")


def read_everyday() -> frozenset[str]:
    """The words of everyday English."""
    lines = EVERYDAY_FILE.read_text(encoding="utf-8").split("\n")
    return frozenset(word for line in lines if not line.startswith("#") for word in line.split())


def document_type(encoded: Encoded, clinical: Collection[str]) -> tuple[str, str]:
    """The document type, and a warning sentence or nothing.

    Args:
        encoded: The note.
        clinical: The clinical vocabulary that the model learnt.
    """
    alphabetic = [word for word in encoded.tokens.words if word[0].isalpha()]
    if _foreign(alphabetic):
        return "other", NOT_ENGLISH
    clinical_words = _clinical_words(encoded, alphabetic, clinical)
    # In a few lines one clinical word may be all there is: any cue beside it counts as well.
    signs = set(clinical_words) | {cue.category for cue in encoded.cues}
    enough = bool(clinical_words) and len(signs) >= MIN_CLINICAL_WORDS
    if encoded.tokens.spoken < MIN_WORDS:
        return ("referral" if enough else "other"), TOO_SHORT
    if not enough or len(clinical_words) < MIN_CLINICAL_SHARE * len(alphabetic):
        return "other", NOT_CLINICAL
    if _operative(encoded):
        return "operative report", OPERATIVE
    return "referral", ""


def _clinical_words(
    encoded: Encoded, alphabetic: list[str], clinical: Collection[str]
) -> list[str]:
    cue_words = {
        encoded.tokens.words[index]
        for cue in encoded.cues
        if cue.category in _CLINICAL_CUES
        for index in range(cue.first, cue.last + 1)
    }
    return [w for w in alphabetic if w in clinical or w in cue_words or w in _SHORTHAND]


def _foreign(words: list[str]) -> bool:
    latin = sum(bool(_LATIN.match(word)) for word in words)
    if latin < 0.7 * len(words):
        return True
    foreign = sum(word in _FOREIGN for word in words)
    english = sum(word in _ENGLISH for word in words)
    return foreign >= 2 and foreign > english and foreign >= 0.08 * len(words)


def _operative(encoded: Encoded) -> bool:
    words = " ".join(word for word in encoded.tokens.words if word[0].isalnum())
    signs = sum(bool(sign.search(words)) for sign in _OPERATIVE_SIGNS)
    return signs >= _MIN_SIGNS
