"""The compiled kernel sees what the arrays see, in any text."""

import shutil
import sysconfig
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlops.backends.package import code_package
from mlops.classifier import LocalClassifier
from mlops.container import compiled
from mlops.container.answer import answers
from mlops.container.compiled import IS_COMPILED
from mlops.container.judging import see, see_by_arrays
from mlops.container.model import Model
from mlops.container.table import Row
from mlops.data import load_corpus
from mlops.shipped import ARTIFACT

needs_kernel = pytest.mark.skipif(not IS_COMPILED, reason="The kernel was not compiled here.")

# What the steps before the words look at: names, headings, sizes, grades, fractions, questions.
TELLING = """
Dr Stone-Smith J R, saw him. | PLAN: none. HISTORY: hernia | Grade 3 tear, stage 4 cancer, 4 mm
stone | 6.1 cm aneurysm, 3.5cm mass, 12 mm x 7mm | vision 6/60 right, 20/200 left, 6/9 | ? hernia |
surgery? Or physio?? | physio failed for 6 months. No numbness | tried tablets without relief, pain
worse; tablets helped | denies fever, chills or vomiting but has pain | no family history of breast
cancer | mother had cancer, he has a lump | rule out fracture, no fracture seen. fracture denied |
history of hernia repair 1998 | xyzzic qwertyal hernioplastick? Xyzzic! | #NOF, #neck of femur |
won't reduce, can't walk | 45 year old man | 3 month old baby with a lump | naïve café Ångström ß |
Москва больной | no no no not without | İstanbul ǅ \ud800 \x00 🦴 | and/or l4/5 x-ray w/o - -- |
a.b.c 1.5 2.5.1 | Mr. , Smith | Mrs | : ; ? | Ms | grade | mm | 5 mm | PLAN: | the | worsening |
irreducible hernia | no fever, liver tests normal | vomiting, CT negative | fever, rash and chills
absent | denies pain , takes ramipril, , no , swelling | Amoxicillin 500 mg disp 21 tablets refill
| Procedure: the patient was prepped and draped, incision, sutures, closed |
Discharged home, follow up in clinic, discharge medications | recipe flour sugar oven bake minutes
""".replace("\n", " ").split("|")


def same(texts: Sequence[str], model: Model) -> None:
    """Both ways see the same in each text, alone and in company."""
    together = see_by_arrays(texts, model)
    for text, expected in zip(texts, together, strict=True):
        (found,) = see([text], model)
        assert found.counts == expected.counts
        assert found.margin == pytest.approx(expected.margin, abs=1e-9)
        assert found.register == pytest.approx(expected.register, abs=1e-9)
        for slope in (1.0, 0.3):
            told, wanted = found.phrases(slope), expected.phrases(slope)
            assert [phrase[1:] for phrase in told] == [phrase[1:] for phrase in wanted]
            assert [phrase[0] for phrase in told] == pytest.approx(
                [phrase[0] for phrase in wanted], abs=1e-8
            )


@pytest.fixture(scope="module")
def shipped() -> Model:
    """The shipped model."""
    found: Model = LocalClassifier(ARTIFACT)._model
    return found


def test_it_is_compiled_where_there_is_a_compiler() -> None:
    headers = Path(sysconfig.get_path("include")) / "Python.h"
    if not (shutil.which("cc") or shutil.which("gcc")) or not headers.exists():
        pytest.skip("There is no C compiler here, or no headers of Python.")
    assert IS_COMPILED


@needs_kernel
def test_it_sees_the_same_in_referral_texts(shipped: Model) -> None:
    same([record.text for record in load_corpus()][::5], shipped)


@needs_kernel
def test_it_sees_the_same_with_another_model(model: Model, rows: list[Row]) -> None:
    same([*(row.text for row in rows), *TELLING], model)


@needs_kernel
def test_it_sees_the_same_where_words_count_for_each_other(shipped: Model) -> None:
    same([*TELLING, "", " ", "\n", ". ".join(TELLING), " ".join(reversed(TELLING))], shipped)


@needs_kernel
@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.sampled_from(sorted({*" ".join(TELLING).split(), "\n", "\r\n", ",", ".", "PLAN:"})),
            st.text(max_size=4),
        ),
        max_size=60,
    )
)
def test_it_sees_the_same_in_any_text(shipped: Model, words: list[str]) -> None:
    same([" ".join(words), "".join(words)], shipped)


@needs_kernel
def test_long_notes_are_seen_whole(shipped: Model) -> None:
    text = ". ".join(record.text for record in load_corpus())[:199_000]
    same([text, "hernia " * 28_000, "?" * 199_000, "\n:" * 90_000], shipped)


@needs_kernel
def test_several_threads_may_ask(shipped: Model) -> None:
    notes = [(record.id, record.text) for record in load_corpus()[:200]]
    alone = answers(notes, shipped)
    with ThreadPoolExecutor(8) as pool:
        for found in pool.map(lambda _: answers(notes, shipped), range(16)):
            assert found == alone


def test_without_it_the_answers_are_the_same(
    shipped: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    notes = [(record.id, record.text) for record in load_corpus()[::20]]
    with_it = answers(notes, shipped)
    monkeypatch.setattr(compiled, "IS_COMPILED", False)
    without = replace(shipped)
    assert without.kernel is None
    for one, other in zip(with_it, answers(notes, without), strict=True):
        # A weight may lie between two that are shown alike.
        spans = [[{**item, "weight": 0} for item in said.pop("evidence")] for said in (one, other)]
        assert spans[0] == spans[1]
        assert one.pop("remainder") == pytest.approx(other.pop("remainder"), abs=1e-3)
        assert one == other


@needs_kernel
def test_tables_of_another_shape_are_refused(shipped: Model) -> None:
    leaves = shipped.trees.leaves
    assert leaves
    deep = replace(shipped, trees=replace(shipped.trees, leaves=None))
    assert deep.kernel is None
    narrow = replace(leaves, features=leaves.features[:, :2].copy())
    with pytest.raises(ValueError, match="not of the shape"):
        _ = replace(shipped, trees=replace(shipped.trees, leaves=narrow)).kernel


def test_only_the_source_travels(tmp_path: Path) -> None:
    package = code_package()
    assert not any(name.endswith((".so", ".pyd")) for name in package.files)
    assert "mlops/container/kernel.pyx" in package.files
    folder = package.write(tmp_path)
    written = {path.suffix for path in folder.rglob("kernel*")}
    assert written >= ({".pyx", ".so"} if package.compiled else {".pyx"})
    assert replace(package, compiled={}).write(tmp_path) != folder or not package.compiled
