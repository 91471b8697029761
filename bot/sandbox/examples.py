"""Example notes that the page offers. Written for it; nobody in them exists."""

EXAMPLES: tuple[dict[str, str], ...] = (
    {
        "title": "Gallstones, attacks every week",
        "text": (
            "Thank you for seeing this 46-year-old teacher. For five months she has had attacks "
            "of right upper abdominal pain after meals, now every week, twice ending in the "
            "emergency department. Ultrasound shows several stones up to 14 mm, the wall is not "
            "thickened, the common duct is 4 mm. Liver tests and lipase are normal. A low-fat "
            "diet has not helped and she would like the gallbladder removed. No previous "
            "abdominal operations, fit, BMI 27."
        ),
    },
    {
        "title": "Gallstone found by chance",
        "text": (
            "This 58-year-old man had an ultrasound for raised creatinine. It showed a single "
            "9 mm gallstone, thin wall, normal ducts. He has never had biliary pain, jaundice or "
            "pancreatitis and eats what he likes. Liver tests normal. He is worried by the "
            "finding and asks what it means. Please see him and advise; I have told him that most "
            "such stones never cause trouble."
        ),
    },
    {
        "title": "Knee, lateral meniscus, locked",
        "text": (
            "ORTHO REFERRAL. 31 M, twisted R knee at football 10 days ago, locked since, lacks "
            "20 deg extension, joint line tenderness lateral, effusion 2+. MRI: displaced bucket "
            "handle tear lateral meniscus, ACL intact. On crutches, off work (roofer). Needs "
            "arthroscopy, repair if possible, please list soon. NKDA, no meds, non-smoker."
        ),
    },
    {
        "title": "Knee osteoarthritis, first visit",
        "text": (
            "Dear colleague, Mrs. Okafor is 63 and has had pain on the inner side of both knees "
            "for a year, worse on stairs. X-rays show mild medial narrowing. She has not yet had "
            "physiotherapy, takes paracetamol now and then, and her BMI is 33. She walks 3 km "
            "without stopping. I would be glad of your advice on exercise, weight and injections; "
            "she is not asking for an operation."
        ),
    },
    {
        "title": "Palpitations, clinic note",
        "text": (
            "SUBJECTIVE: 39-year-old woman with palpitations three to four times a month for half "
            "a year, lasting minutes, no syncope, no chest pain. Two coffees a day. OBJECTIVE: BP "
            "<120/80, pulse 72 regular, heart sounds normal. ECG sinus rhythm, no delta wave. TSH "
            "and potassium normal. ASSESSMENT: Palpitations, probably ectopic beats. PLAN: 14-day "
            "monitor, echocardiogram, cardiology opinion."
        ),
    },
    {
        "title": "Back pain, too little to go on",
        "text": (
            "Please see this patient with back pain for some time. MRI was done elsewhere, report "
            "to follow. Further management as you see fit."
        ),
    },
    {
        "title": "Operative report",
        "text": (
            "PREOPERATIVE DIAGNOSIS: Right inguinal hernia. POSTOPERATIVE DIAGNOSIS: Right "
            "indirect inguinal hernia. PROCEDURE: Open repair with mesh. ANESTHESIA: Spinal. "
            "PROCEDURE IN DETAIL: The patient was placed supine and the groin prepared and "
            "draped. An oblique incision was carried down to the external aponeurosis, which was "
            "opened along its fibres. The sac was freed from the cord, ligated and reduced. A "
            "flat mesh was laid on the floor of the canal and fixed with interrupted sutures. "
            "Hemostasis was good. Layers were closed with absorbable suture. The patient left for "
            "recovery in good condition. BLOOD LOSS: 15 ml."
        ),
    },
    {
        "title": "A recipe (not a note)",
        "text": (
            "Lentil soup for four. Soften an onion, two carrots and a stick of celery in olive "
            "oil. Add 250 g of red lentils, a teaspoon of cumin, a tin of tomatoes and a litre of "
            "stock. Simmer for 25 minutes, blend half of it, and serve with lemon and bread."
        ),
    },
)
