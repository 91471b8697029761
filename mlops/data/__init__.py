"""Data: from the Kaggle file and our own corpus to datasets that models are trained on."""

from mlops.data.build import Manifest, build_dataset
from mlops.data.kaggle import read_kaggle
from mlops.data.pairs import CorpusRecord, load_corpus
from mlops.data.records import Record, read_records, write_records

__all__ = [
    "CorpusRecord",
    "Manifest",
    "Record",
    "build_dataset",
    "load_corpus",
    "read_kaggle",
    "read_records",
    "write_records",
]
