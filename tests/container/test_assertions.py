"""ConText's rules: what is asserted of a word, sentence by sentence."""

import pytest

from mlops.container.assertions import HISTORICAL, NEGATED, OTHER, PLANNED
from mlops.container.lexicon import Lexicon
from mlops.container.reading import Reader
from mlops.container.text import split
from mlops.container.vocabulary import Vocabulary

LEXICON = Lexicon.from_files()
PRESENT = 0

SENTENCES = [
    ("He has a fever.", "fever", PRESENT),
    # Negated, alone and in a list.
    ("No fever.", "fever", NEGATED),
    ("Denies fever, vomiting, weight loss or jaundice.", "jaundice", NEGATED),
    ("Denies fever, vomiting, weight loss or jaundice.", "fever", NEGATED),
    ("Negative for fever, chills, nausea, vomiting, rash, cough, melaena, jaundice.", "jaundice",
     NEGATED),
    ("There is no evidence of perforation.", "perforation", NEGATED),
    ("Without guarding or rebound.", "rebound", NEGATED),
    ("She doesn't have vomiting.", "vomiting", NEGATED),
    ("She doesn’t have vomiting.", "vomiting", NEGATED),
    # The scope ends with the clause, and with the words that end it.
    ("No fever. Vomiting since yesterday.", "vomiting", PRESENT),
    ("No fever; vomiting since yesterday.", "vomiting", PRESENT),
    ("No fever but vomiting since yesterday.", "vomiting", PRESENT),
    ("No fever although vomiting daily.", "vomiting", PRESENT),
    ("No fever and now vomiting.", "vomiting", PRESENT),
    # A comma ends it where a statement of its own follows, and nowhere in a list.
    ("No fever, liver tests normal.", "tests", PRESENT),
    ("No fever, liver tests normal.", "normal", PRESENT),
    ("No fever, liver tests normal.", "fever", NEGATED),
    ("No fever , chest clear", "chest", PRESENT),
    ("Denies chest pain, appetite good, sleeping well.", "appetite", PRESENT),
    ("No fever, takes ramipril.", "ramipril", PRESENT),
    ("No fever, his brother had a hernia.", "hernia", OTHER),
    ("Her mother had melanoma, examination of the skin unremarkable.", "skin", NEGATED),
    ("Worried about cancer, bloods normal.", "bloods", PRESENT),
    ("No fever, chills or vomiting.", "vomiting", NEGATED),
    ("No fever, chills, or vomiting.", "vomiting", NEGATED),
    ("No normal bowel sounds.", "sounds", NEGATED),
    ("No fever, chills. Chest clear.", "chills", NEGATED),
    ("Bowel sounds not normal, pain.", "normal", NEGATED),
    # Too far away.
    ("No a b c d e f g h i j k vomiting.", "vomiting", PRESENT),
    # After the finding.
    ("Perforation was ruled out.", "perforation", NEGATED),
    ("Fracture not seen.", "fracture", NEGATED),
    ("Vomiting absent.", "vomiting", NEGATED),
    ("Vomiting today. Fever absent.", "vomiting", PRESENT),
    ("Vomiting, CT unremarkable.", "vomiting", PRESENT),
    ("Vomiting, fever absent.", "vomiting", PRESENT),
    ("Fever, chills and rash absent.", "fever", NEGATED),
    ("Fever, chills, and rash absent.", "fever", NEGATED),
    # What looks like a negation and is none.
    ("No improvement in pain.", "pain", PRESENT),
    ("The lump will not reduce, pain.", "pain", PRESENT),
    ("Gram negative sepsis.", "sepsis", PRESENT),
    ("No longer walks, pain.", "pain", PRESENT),
    # Past, another person's, only feared, planned.
    ("History of appendicitis.", "appendicitis", HISTORICAL),
    ("Status post hysterectomy.", "hysterectomy", HISTORICAL),
    ("Her mother had breast cancer.", "cancer", OTHER),
    ("Family history of melanoma.", "melanoma", OTHER | HISTORICAL),
    ("Worried about cancer.", "cancer", OTHER),
    ("Return if vomiting.", "vomiting", OTHER),
    ("Rule out perforation.", "perforation", OTHER),
    ("Scheduled for hysterectomy.", "hysterectomy", PLANNED),
    ("Awaiting laparoscopy.", "laparoscopy", PLANNED),
    # Several at once.
    ("No family history of melanoma.", "melanoma", NEGATED | OTHER | HISTORICAL),
    ("Past week of vomiting.", "vomiting", PRESENT),
]  # fmt: skip


@pytest.mark.parametrize(("sentence", "word", "bits"), SENTENCES)
def test_what_is_asserted_of_a_word(sentence: str, word: str, bits: int) -> None:
    words = split(sentence).words
    reader = Reader(Vocabulary([*words, *LEXICON.words()]), LEXICON)
    # Upper case and a first line before it change nothing.
    for text in (sentence, sentence.upper(), f"Dear colleague,\n\n{sentence}"):
        reading = reader.read(text)
        place = len(reading) - 1 - len(words) + words.index(word)
        assert int(reading.bits[place]) == bits, text


def test_an_unknown_word_is_negated_too() -> None:
    reader = Reader(Vocabulary(LEXICON.words()), LEXICON)
    reading = reader.read("Denies zoofloppia.")
    assert reading.numbers[1] == 0
    assert reading.bits[1] == NEGATED
