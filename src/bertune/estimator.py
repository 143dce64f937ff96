"""A scikit-learn classifier of texts: works in Pipeline, cross_val_score and GridSearchCV."""

import tempfile
import warnings
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.exceptions import NotFittedError
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_random_state, column_or_1d

from bertune.base.types import Floats
from bertune.data.frames import table_of
from bertune.engine.callbacks.progress import Progress
from bertune.engine.interrupt import Interrupted
from bertune.evaluate.saved import SavedModel
from bertune.runs.ask import ask
from bertune.runs.predict import open_model, predict_rows
from bertune.runs.run import ended, is_missing
from bertune.runs.telling import People, Silent
from bertune.runs.train import train

FEWEST_ROWS = 100  # below this a validation split of a tenth says nothing
FEWEST_OF_CLASS = 5
BARE: dict[str, Any] = {  # what is needed to predict, and nothing else; empty texts are answered as they are
    "data.missing": "fill",
    "evaluation.baselines": False,
    "evaluation.suspects": False,
    "training.seeds": 1,  # who wants several tries says so: searches and cross-validation fit often
}


class TextClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """Fine-tunes an encoder on texts, or on pairs of texts, as a scikit-learn classifier.

    X is a sequence of texts (list, pandas Series, object or string array, also of shape [rows, 1]) or, for pairs, a
    list of (text, second text) or an array or frame of shape [rows, 2]. y holds labels of any one kind; they come
    back in their own dtype.

    Parameters: `model` is a hub id, folder or known name; `epochs`, `learning_rate`, `batch_size` and `max_length`
    are numbers or "auto"; `random_state` an int, a RandomState or None; `settings` further recipe settings, such as
    {"loss.name": "focal"}; `out` a folder in which each fit leaves its run (fit-1, fit-2, …; None: nothing is left);
    `verbose` shows the progress on stderr.

    A tenth of the rows validates early stopping and the temperature; with fewer than 100 rows, or fewer than 5 of
    some class, there is no validation: that is warned of, and `validated_` is False. Settings of data.split decide
    themselves.

    After fit: `classes_`, `validated_`, and `run_folder_` where `out` is given. There is no `n_features_in_`: texts
    have no columns. A fitted classifier can be pickled or deep-copied only with `out`, and then refers to its run
    folder instead of holding weights; without `out`, save with `out=` or `bertune.train`.
    """

    def __init__(
        self,
        model: str | Path = "auto",
        *,
        epochs: float | str = "auto",
        learning_rate: float | str = "auto",
        batch_size: int | str = "auto",
        max_length: int | str = "auto",
        random_state: Any = 0,
        settings: Mapping[str, Any] | None = None,
        out: str | Path | None = None,
        verbose: bool = False,
    ) -> None:
        self.model = model
        self.epochs = epochs
        self.learning_rate = learning_rate
        self.batch_size = batch_size
        self.max_length = max_length
        self.random_state = random_state
        self.settings = settings
        self.out = out
        self.verbose = verbose

    def __sklearn_tags__(self) -> Any:
        """One- or two-dimensional texts, no numbers."""
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.one_d_array = True
        tags.input_tags.two_d_array = False
        tags.non_deterministic = False
        return tags

    def fit(self, X: Any, y: Any) -> "TextClassifier":  # noqa: N803 - scikit-learn's name
        """Train from the pretrained weights. Raises ValueError or TypeError for X and y, BertuneError for settings."""
        texts, pairs = as_texts(X)
        if y is None:
            raise ValueError("This TextClassifier requires y to be passed, but the target y is None.")
        labels = column_or_1d(y, warn=True)
        if len(labels) != len(texts):
            raise ValueError(f"Found input variables with inconsistent numbers of samples: {[len(texts), len(labels)]}")
        _check_present(labels)
        check_classification_targets(labels)
        classes, numbers = np.unique(labels, return_inverse=True)
        if len(classes) < 2:
            raise ValueError(f"TextClassifier needs at least 2 classes in y; found 1 class: {classes[0]!r}")
        self.classes_ = classes
        names = _names(classes)
        counts = np.bincount(numbers)
        own_split = any(key.startswith("data.split.") for key in self.settings or {})
        self.validated_ = own_split or (len(texts) >= FEWEST_ROWS and int(counts.min()) >= FEWEST_OF_CLASS)
        if not self.validated_:
            _warn_of_few(len(texts), int(counts.min()))
        columns = {"text": texts, "label": [names[i] for i in numbers.tolist()]}
        if pairs is not None:
            columns["text_pair"] = pairs
        self._fit(columns)
        assert self._saved is not None
        known = list(self._saved.about.classes)
        self._order = [known.index(name) if name in known else -1 for name in names]
        return self

    def _fit(self, columns: Mapping[str, list[str]]) -> None:
        pair = {"text_pair": "text_pair"} if "text_pair" in columns else {}
        task = "pair_classification" if pair else "text_classification"
        recipe = ask({"task": task, "text": "text", "label": "label", **pair}, self._settings())
        teller = People() if self.verbose else Silent()
        progress = Progress(teller.bar)
        with tempfile.TemporaryDirectory(prefix="bertune-fit-", ignore_cleanup_errors=True) as temporary:
            folder = Path(temporary) / "run" if self.out is None else _fresh(Path(self.out))
            try:
                train(recipe, folder, teller=teller, source=table_of(columns), command=["bertune.TextClassifier"],
                      listeners=[progress], report=False)  # fmt: skip
            except Interrupted as stop:
                raise ended(stop, "fit again") from None
            finally:
                progress.close()
            self._saved: SavedModel | None = open_model(folder)
        self.run_folder_ = None if self.out is None else folder

    def _settings(self) -> dict[str, Any]:
        own = {
            "model.name": str(self.model), "model.max_length": self.max_length, "training.epochs": self.epochs,
            "training.batch_size": self.batch_size, "optimizer.learning_rate": self.learning_rate,
            "seed": _seed(self.random_state),
        }  # fmt: skip
        given = dict(self.settings or {})
        shares = {} if "data.split.name" in given else {"data.split.test_share": 0.0}
        if not self.validated_:
            shares["data.split.valid_share"] = 0.0
        return {**BARE, **shares, **own, **given}

    def predict_proba(self, X: Any) -> Floats:  # noqa: N803 - scikit-learn's name
        """The probability of each class in the order of `classes_`: [rows, classes]; rows sum to 1."""
        saved = self._fitted()
        texts, pairs = as_texts(X)
        if (pairs is not None) != saved.pairs:
            expected = "pairs" if saved.pairs else "single texts"
            raise ValueError(
                f"X must hold {expected}, as in fit; found {'pairs' if pairs is not None else 'single texts'}"
            )
        answered = predict_rows(saved, texts, pairs)
        found = np.zeros((len(texts), len(self.classes_)))
        for column, number in enumerate(self._order):
            if number >= 0:
                found[:, column] = answered.probabilities[:, number]
        return found

    def predict(self, X: Any) -> NDArray[Any]:  # noqa: N803 - scikit-learn's name
        """The most probable class of each row, of the dtype of y."""
        probabilities = self.predict_proba(X)
        classes: NDArray[Any] = self.classes_
        saved = self._fitted()
        if saved.about.threshold is not None and len(self._order) == len(saved.about.classes):
            ordered = np.argsort(self._order)  # class of ours for each of the model's
            numbers = ordered[saved.task.chosen(probabilities[:, ordered], saved.about.threshold)]
        else:
            numbers = probabilities.argmax(axis=1)
        return np.asarray(classes[numbers])

    def _fitted(self) -> SavedModel:
        if getattr(self, "_order", None) is None:
            raise NotFittedError(
                "This TextClassifier instance is not fitted yet. Call 'fit' with appropriate arguments before using "
                "this estimator."
            )
        if self._saved is None:
            self._saved = open_model(str(self.run_folder_))
        return self._saved

    def __sklearn_is_fitted__(self) -> bool:
        """Whether fit has been called."""
        return getattr(self, "_order", None) is not None

    def __getstate__(self) -> dict[str, Any]:
        """The state without weights: a fitted classifier refers to its run folder, so it needs `out`."""
        state: dict[str, Any] = dict(super().__getstate__())
        if state.get("_saved") is not None:
            if self.run_folder_ is None:
                raise TypeError(
                    "a fitted TextClassifier holds no weights in a pickle; give out=FOLDER, then it refers to the run "
                    "that lies there"
                )
            state["_saved"] = None
        return state


def as_texts(X: Any) -> tuple[list[str], list[str] | None]:  # noqa: N803 - scikit-learn's name
    """The texts of X and, for pairs, the second texts. Raises ValueError or TypeError, naming the row."""
    if X is None or isinstance(X, (str, bytes)):
        raise ValueError(f"X must be a sequence of texts or of pairs of texts; found {type(X).__name__}")
    if hasattr(X, "toarray"):
        raise TypeError("X must be a sequence of texts; found a sparse matrix of numbers")
    rows = _rows(X)
    if not rows:
        raise ValueError("Found array with 0 sample(s) while a minimum of 1 is required by TextClassifier.")
    if isinstance(rows[0], str) or not isinstance(rows[0], Iterable):
        return [_text(value, i) for i, value in enumerate(rows)], None
    widths = {len(list(row)) if isinstance(row, Iterable) and not isinstance(row, str) else 1 for row in rows}
    if widths == {1}:
        return [_text(row[0], i) for i, row in enumerate(rows)], None
    if widths != {2}:
        raise ValueError(f"X must hold one text or two texts a row; found rows of {sorted(widths)} values")
    return [_text(row[0], i) for i, row in enumerate(rows)], [_text(row[1], i) for i, row in enumerate(rows)]


def _rows(X: Any) -> list[Any]:  # noqa: N803 - scikit-learn's name
    if hasattr(X, "columns") or isinstance(X, np.ndarray):  # of a frame its cells, not its column names
        cells = np.asarray(X, dtype=object)
        if cells.ndim not in (1, 2):
            raise ValueError(f"X must have 1 or 2 dimensions; found {cells.ndim}")
        return list(cells.tolist())
    if not isinstance(X, Iterable):
        raise ValueError(f"X must be a sequence of texts or of pairs of texts; found {type(X).__name__}")
    return [value.tolist() if isinstance(value, np.ndarray) else value for value in X]


def _text(value: Any, row: int) -> str:
    if not isinstance(value, str):
        raise ValueError(f"X must hold texts; row {row} (from 0) is {type(value).__name__} {value!r:.40}")
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        raise ValueError(f"row {row} (from 0) of X holds half of a surrogate pair, which is no character") from None
    return str(value)


def _warn_of_few(rows: int, fewest: int) -> None:
    text = f"{rows} rows, {fewest} of the rarest class: too few to keep some for validation; training runs to its end, "
    warnings.warn(text + "and probabilities are not calibrated", UserWarning, stacklevel=3)


def _check_present(labels: NDArray[Any]) -> None:
    missing = [i for i, label in enumerate(labels.tolist()) if is_missing(label)]
    if missing:
        raise ValueError(f"Input y contains NaN: row {missing[0]} (from 0) has no label")
    if labels.dtype.kind == "f" and not np.isfinite(labels).all():
        raise ValueError("Input y contains infinity, which is no label")


def _names(classes: NDArray[Any]) -> list[str]:
    """The names of the classes in the model: their own where these are distinct texts, else their numbers."""
    names = [str(value) for value in classes.tolist()]
    usable = len(set(names)) == len(names) and all(name.strip() and name.isprintable() for name in names)
    return names if usable else [str(i) for i in range(len(names))]


def _seed(random_state: Any) -> int:
    if isinstance(random_state, (int, np.integer)):
        return int(random_state)
    return int(check_random_state(random_state).randint(np.iinfo(np.int32).max))


def _fresh(parent: Path) -> Path:
    """A new folder fit-<number>; parallel fits never get the same one."""
    parent.mkdir(parents=True, exist_ok=True)
    number = 1
    while True:
        try:
            (parent / f"fit-{number}").mkdir()
            return parent / f"fit-{number}"
        except FileExistsError:
            number += 1
