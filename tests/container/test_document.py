"""What kind of document a text is taken for, and what is said of it."""

import pytest

from mlops.container.answer import MAX_CHARACTERS, answer
from mlops.container.document import (
    NOT_CLINICAL,
    NOT_ENGLISH,
    OPERATIVE,
    PRESCRIPTION,
    TOO_SHORT,
)
from mlops.container.model import Model

REFERRAL = (
    "Dear colleague, please see this 58 year old man with an irreducible groin hernia, vomiting "
    "since last night and a tender red lump. He has hypertension."
)
RECIPE = (
    "Preheat the oven to 180 degrees. Whisk the flour, butter and sugar, fold in two eggs and "
    "pour into a greased tin. Bake for forty minutes and leave to cool before serving with cream."
)
CODE = (
    "def read(path):\n    with open(path) as file:\n        for line in file:\n"
    "            if line.strip():\n                yield json.loads(line)\n\n"
    "class Reader:\n    def __init__(self, source):\n        self.source = source\n"
)
GERMAN = (
    "Sehr geehrter Herr Kollege, ich überweise Ihnen diese Patientin mit einer Hernie, die seit "
    "zwei Wochen schmerzt und nicht mehr reponiert werden kann. Mit freundlichen Grüßen."
)
FRENCH = (
    "Cher confrère, je vous adresse cette patiente qui présente une hernie inguinale douloureuse "
    "depuis deux semaines et qui ne peut pas être réduite. Avec mes remerciements pour votre avis."
)
SPANISH = (
    "Estimado colega, le envío a esta paciente con una hernia inguinal dolorosa desde hace dos "
    "semanas que no se puede reducir. Muchas gracias por su ayuda con el caso."
)
RUSSIAN = "Уважаемый коллега, направляю к вам пациентку с паховой грыжей, боль две недели."
OPERATION = (
    "POSTOPERATIVE DIAGNOSIS: Inguinal hernia. ANESTHESIA: General. ESTIMATED BLOOD LOSS: 10 ml. "
    "DESCRIPTION OF PROCEDURE: The patient was prepped and draped in sterile fashion. A skin "
    "incision was made over the hernia. Hemostasis was achieved with the Bovie. The wound was "
    "closed with 3-0 Vicryl. The patient tolerated the procedure well and was taken to the "
    "recovery room. Sponge and needle counts were correct."
)
DISCHARGE = (
    "Thank you for staying at our hotel. Your room was discharged from your card on checkout, and "
    "the invoice is attached. We hope that you enjoyed the breakfast and the view of the harbour."
)
PRESCRIPTIONS = (
    "Amoxicillin 500 mg three times a day for 7 days. Dispense 21 capsules, no refills. Dr Smith",
    "Rx: Metformin 500mg tablets. Sig: 1 tab PO BID with meals. Disp: #60. Refills: 3.",
    "Lisinopril 10 mg once daily, 30 tablets, 2 refills. Atorvastatin 20 mg at night. Dr Patel",
    "Please dispense ibuprofen 400 mg tablets for tonsillitis. One three times a day with food.",
)
ON_TABLETS = (
    "Rx ibuprofen 400 mg three times a day for knee osteoarthritis, no relief, bone on bone.",
    "HbA1c 8.9 % on metformin 1 g twice a day and gliclazide 80 mg. Advice please.",
    "Irreducible hernia. Meds: ramipril 5 mg daily, metformin 500 mg bid, refills from us.",
    "Prescription for omeprazole renewed twice, reflux worse, hiatus hernia on endoscopy.",
)
HEADINGS = "HISTORY OF PRESENT ILLNESS: PAST MEDICAL HISTORY: MEDICATIONS: ALLERGIES: PLAN:"


@pytest.mark.parametrize(
    ("text", "kind", "warning"),
    [
        pytest.param(REFERRAL, "referral", None, id="referral"),
        pytest.param("Displaced hip fracture, cannot walk", "referral", None, id="one line"),
        pytest.param(RECIPE, "other", NOT_CLINICAL, id="recipe"),
        pytest.param(CODE, "other", NOT_CLINICAL, id="source code"),
        pytest.param(DISCHARGE, "other", NOT_CLINICAL, id="a discharge of another kind"),
        pytest.param(GERMAN, "other", NOT_ENGLISH, id="German"),
        pytest.param(FRENCH, "other", NOT_ENGLISH, id="French"),
        pytest.param(SPANISH, "other", NOT_ENGLISH, id="Spanish"),
        pytest.param(RUSSIAN, "other", NOT_ENGLISH, id="Russian"),
        pytest.param(OPERATION, "operative report", OPERATIVE, id="operative report"),
        pytest.param("Hip fracture pain", "referral", TOO_SHORT, id="three words"),
        pytest.param("Thanks a lot", "other", TOO_SHORT, id="three words of another kind"),
        pytest.param("", "other", TOO_SHORT, id="empty"),
        pytest.param("\n\t .,;", "other", TOO_SHORT, id="no words"),
        *(pytest.param(text, "other", PRESCRIPTION, id=text[:11]) for text in PRESCRIPTIONS),
        *(pytest.param(text, "referral", None, id=text[:11]) for text in ON_TABLETS),
        pytest.param(HEADINGS, "other", NOT_CLINICAL, id="headings only"),
    ],
)
def test_the_kind_of_a_document(model: Model, text: str, kind: str, warning: str | None) -> None:
    said = answer("0", text, model)
    assert said["document_type"] == kind
    assert said["warnings"] == ([warning] if warning else [])
    if kind == "other" or warning == TOO_SHORT:
        assert said["recommendation"] == "Needs review"
        assert said["probability"] is said["confidence"] is None
        assert said["evidence"] == []
    else:
        assert 0 < said["probability"] < 1


def test_case_and_line_breaks_do_not_change_the_kind(model: Model) -> None:
    for text in (REFERRAL.upper(), REFERRAL.lower(), REFERRAL.replace(". ", ".\n\n")):
        assert answer("0", text, model)["document_type"] == "referral"


def test_a_very_long_note_is_read_up_to_a_limit(model: Model) -> None:
    text = (REFERRAL + " ") * (MAX_CHARACTERS // len(REFERRAL) + 2)
    said = answer("0", text, model)
    assert "first 200,000 characters" in said["warnings"][0]
    shorter = answer("0", text[:MAX_CHARACTERS], model)
    assert said["probability"] == shorter["probability"]
    assert shorter["warnings"] == []
