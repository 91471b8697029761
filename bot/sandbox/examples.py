"""Example notes that the page offers, written for it."""

EXAMPLES: tuple[dict[str, str], ...] = (
    {
        "title": "Gallstones, attacks every week",
        "text": (
            "Thank you for seeing this 46-year-old teacher. For five months she has had attacks of "
            "right upper abdominal pain after meals, now every week, twice ending in the emergency "
            "department. Ultrasound shows several stones up to 14 mm, the wall is not thickened, "
            "the common duct is 4 mm. Liver tests and lipase are normal. She has tried a low-fat "
            "diet without success and would like the gallbladder removed. No previous abdominal "
            "operations, fit, BMI 27."
        ),
    },
)
