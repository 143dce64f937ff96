"""TextClassifier keeps scikit-learn's contract on texts, as far as scikit-learn's own checks reach and beyond."""

import copy
import pickle
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import sklearn
from api_data import FAST, pair_rows, single_rows
from sklearn.base import clone
from sklearn.exceptions import DataConversionWarning, NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils import estimator_checks
from sklearn.utils.validation import check_is_fitted

from bertune import BertuneError, TextClassifier

ROWS = single_rows(24, seed=3)
X, Y = ROWS["text"], ROWS["label"]
SETTINGS = {name: FAST[name] for name in ("training.threads", "training.precision", "training.batch_size")}

APPLY = {
    "check_estimator_cloneable", "check_estimator_tags_renamed", "check_valid_tag_types", "check_estimator_repr",
    "check_no_attributes_set_in_init", "check_do_not_raise_errors_in_init_or_set_params", "check_mixin_order",
    "check_estimators_unfitted", "check_parameters_default_constructible", "check_get_params_invariance",
    "check_set_params", "check_estimators_partial_fit_n_features", "check_decision_proba_consistency",
    "check_estimator_sparse_tag", "check_estimator_sparse_matrix", "check_supervised_y_no_nan",
    "check_non_transformer_estimators_n_iter", "check_n_features_in_after_fitting",
}  # fmt: skip
# The others fit on tables of numbers, which TextClassifier refuses. The test named here does the same with texts.
ON_TEXTS = {
    "check_fit_score_takes_y": "test_fit_gives_itself_and_predicts_in_the_dtype_of_y",
    "check_estimators_overwrite_params": "test_fit_and_predict_leave_parameters_and_state_alone",
    "check_dont_overwrite_parameters": "test_fit_and_predict_leave_parameters_and_state_alone",
    "check_dict_unchanged": "test_fit_and_predict_leave_parameters_and_state_alone",
    "check_estimators_fit_returns_self": "test_fit_gives_itself_and_predicts_in_the_dtype_of_y",
    "check_classifiers_classes": "test_fit_gives_itself_and_predicts_in_the_dtype_of_y",
    "check_classifiers_train": "test_fit_gives_itself_and_predicts_in_the_dtype_of_y",
    "check_fit_check_is_fitted": "test_fit_gives_itself_and_predicts_in_the_dtype_of_y",
    "check_fit_idempotent": "test_the_same_fit_gives_the_same_answers",
    "check_methods_sample_order_invariance": "test_rows_are_answered_one_by_one",
    "check_methods_subset_invariance": "test_rows_are_answered_one_by_one",
    "check_fit2d_1sample": "test_wrong_rows_are_refused",
    "check_fit2d_1feature": "test_texts_of_any_kind",
    "check_classifier_data_not_an_array": "test_texts_of_any_kind",
    "check_dtype_object": "test_texts_of_any_kind",
    "check_estimators_nan_inf": "test_wrong_rows_are_refused",
    "check_complex_data": "test_wrong_rows_are_refused",
    "check_estimators_empty_data_messages": "test_wrong_rows_are_refused",
    "check_estimator_sparse_array": "test_wrong_rows_are_refused",
    "check_requires_y_none": "test_wrong_rows_are_refused",
    "check_classifiers_one_label": "test_wrong_rows_are_refused",
    "check_classifiers_regression_target": "test_wrong_rows_are_refused",
    "check_supervised_y_2d": "test_a_column_of_labels_is_flattened_with_a_warning",
    "check_pipeline_consistency": "test_pipeline_cross_validation_and_grid_search",
    "check_estimators_pickle": "test_a_fitted_classifier_is_pickled_by_its_run_folder",
}
NOT_FOR_TEXTS = {
    "check_readonly_memmap_input": "texts are not memory-mapped numbers",
    "check_f_contiguous_array_estimator": "texts have no memory order",
    "check_estimators_dtypes": "texts have no number dtypes",
    "check_array_api_input": "array libraries hold no texts",
    "check_positive_only_tag_during_fit": "texts have no sign",
    "check_n_features_in": "texts have no columns, so there is no n_features_in_",
    "check_fit1d": "one-dimensional X is what texts are",
    "check_fit2d_predict1d": "one-dimensional X is what texts are",
    "check_classifiers_one_label_sample_weights": "fit takes no sample_weight",
}


class Listed(TextClassifier):
    """Says that it takes tables, so that scikit-learn lists all its checks."""

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = True
        return tags


def all_checks() -> list[tuple[str, Any]]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return [(estimator_checks._check_name(c), c) for _, c in estimator_checks.estimator_checks_generator(Listed())]


CHECKS = all_checks()


def small(tiny: Any, **more: Any) -> TextClassifier:
    """A classifier that fits in half a second."""
    return TextClassifier(tiny(), epochs=1, learning_rate=1e-3, **{"settings": SETTINGS, **more})


@pytest.fixture(scope="module")
def fitted(tiny) -> TextClassifier:
    with pytest.warns(UserWarning, match="too few"):
        return small(tiny).fit(X, Y)


@pytest.mark.parametrize("name", sorted(APPLY & {name for name, _ in CHECKS}))
def test_checks_of_scikit_learn(name: str) -> None:
    for found, check in CHECKS:
        if found == name:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", estimator_checks.SkipTestWarning)
                check(TextClassifier())


@pytest.mark.skipif(not sklearn.__version__.startswith("1.9"), reason="other releases have other checks")
def test_every_check_of_scikit_learn_is_accounted_for() -> None:
    assert {name for name, _ in CHECKS} == APPLY | ON_TEXTS.keys() | NOT_FOR_TEXTS.keys()
    assert all(test in globals() for test in ON_TEXTS.values())


def test_scikit_learn_is_told_that_it_takes_texts() -> None:
    tags = TextClassifier().__sklearn_tags__()
    assert tags.input_tags.string and not tags.input_tags.two_d_array
    assert tags.estimator_type == "classifier" and tags.target_tags.required


@pytest.mark.parametrize(
    "labels",
    [
        np.array(Y),
        np.array(Y, dtype=object),
        np.array([{"good": 7, "bad": -2}[y] for y in Y]),
        np.array([y == "good" for y in Y]),
        np.array([{"good": " ", "bad": ""}[y] for y in Y]),
        pd.Series(Y, index=range(100, 124)),
    ],
    ids=["string", "object", "integer", "boolean", "blank", "series"],
)
@pytest.mark.filterwarnings("ignore:.*too few.*")
def test_fit_gives_itself_and_predicts_in_the_dtype_of_y(labels: Any, tiny) -> None:
    model = small(tiny)
    with pytest.raises(NotFittedError):
        check_is_fitted(model)
    assert model.fit(X, labels) is model
    check_is_fitted(model)
    guess = model.predict(X)
    assert np.array_equal(model.classes_, np.unique(labels))
    assert guess.dtype == model.classes_.dtype and guess.shape == (24,)
    chances = model.predict_proba(X)
    assert chances.shape == (24, 2) and np.allclose(chances.sum(axis=1), 1)
    assert np.array_equal(guess, model.classes_[chances.argmax(axis=1)])
    assert model.score(X, labels) == pytest.approx(np.mean(guess == np.asarray(labels)))
    assert not hasattr(model, "n_features_in_") and not model.validated_


@pytest.mark.filterwarnings("ignore:.*too few.*")
def test_it_learns_integer_classes_in_their_own_order(tiny) -> None:
    """Ten classes sort as numbers in the model and in numpy; as texts 10 would stand before 2."""
    words = ["lovely", "great", "superb", "happy", "bright", "warm", "kind", "fresh", "sweet", "clever", "awful"]
    labels = np.arange(1, 12).repeat(8)
    texts = [f"{words[label - 1]} {words[label - 1]}" for label in labels]
    settings = {**SETTINGS, "optimizer.layer_decay": 1.0}
    model = TextClassifier(tiny(), epochs=30, learning_rate=1e-2, settings=settings).fit(texts, labels)
    assert model.score(texts, labels) > 0.9


def test_enough_rows_are_validated(tiny) -> None:
    rows = single_rows(100, seed=8)
    model = small(tiny, settings={**SETTINGS, "training.epochs": 2}).fit(rows["text"], rows["label"])
    assert model.validated_ and model.run_folder_ is None


def test_fit_and_predict_leave_parameters_and_state_alone(tiny, fitted: TextClassifier) -> None:
    before = dict(vars(fitted))
    fitted.predict(X)
    fitted.predict_proba(X)
    assert vars(fitted) == before
    fresh = small(tiny)
    assert fitted.get_params() == fresh.get_params()
    added = vars(fitted).keys() - vars(fresh).keys()
    assert all(name.startswith("_") or name.endswith("_") for name in added)


@pytest.mark.filterwarnings("ignore:.*too few.*")
def test_the_same_fit_gives_the_same_answers(tiny, fitted: TextClassifier) -> None:
    again = clone(fitted)
    assert not hasattr(again, "classes_")
    assert np.array_equal(again.fit(X, Y).predict_proba(X), fitted.predict_proba(X))
    other = small(tiny, random_state=1).fit(X, Y)
    assert not np.array_equal(other.predict_proba(X), fitted.predict_proba(X))
    assert np.array_equal(again.fit(X, Y).predict_proba(X), fitted.predict_proba(X))


def test_rows_are_answered_one_by_one(fitted: TextClassifier) -> None:
    whole = fitted.predict_proba(X)
    order = np.random.default_rng(0).permutation(len(X))
    assert np.allclose(fitted.predict_proba([X[i] for i in order]), whole[order], atol=1e-5)
    assert np.allclose(np.vstack([fitted.predict_proba([text]) for text in X]), whole, atol=1e-5)


@pytest.mark.parametrize(
    "make",
    [
        tuple, pd.Series, lambda x: np.array(x, dtype=object), np.array, lambda x: pd.DataFrame({"t": x}),
        lambda x: np.array(x, dtype=object)[:, None], lambda x: [[t] for t in x], iter,
        lambda x: pd.Series(x, dtype="string"), lambda x: pd.Series(x, index=range(50, 50 + len(x))),
    ],
)  # fmt: skip
def test_texts_of_any_kind(make: Any, fitted: TextClassifier) -> None:
    assert np.array_equal(fitted.predict_proba(make(X)), fitted.predict_proba(X))


@pytest.mark.filterwarnings("ignore:.*too few.*")
def test_odd_texts_get_an_answer(tiny) -> None:
    odd = ["", " ", "a", "😀", "مرحبا", "x" * 5000, *X]
    model = small(tiny).fit(odd, ["bad", "good"] * 3 + Y)
    assert np.isfinite(model.predict_proba(odd)).all()
    assert set(model.predict(odd)) <= {"bad", "good"}


@pytest.mark.filterwarnings("ignore:.*too few.*")
@pytest.mark.parametrize("frame", [False, True])
def test_pairs(frame: bool, tiny) -> None:
    rows = pair_rows(20)
    columns = [rows["sentence1"], rows["sentence2"]]
    pairs = pd.DataFrame(dict(zip("ab", columns, strict=True))) if frame else list(zip(*columns, strict=True))
    model = small(tiny).fit(pairs, rows["label"])
    assert model.predict(np.array(columns, dtype=object).T).tolist() == model.predict(pairs).tolist()
    with pytest.raises(ValueError, match="must hold pairs"):
        model.predict(rows["sentence1"])


@pytest.mark.parametrize(
    ("texts", "labels", "message"),
    [
        ([], [], "0 sample"),
        (X[:1], Y[:1], "1 class"),
        (X, ["good"] * 24, "1 class"),
        (X, Y[:3], "inconsistent"),
        (X, None, "requires y"),
        (X, np.linspace(0, 1, 24), "[Uu]nknown label type"),
        (X, [None, *Y[1:]], "y contains NaN"),
        (X, [float("nan"), *[1.0] * 23], "y contains NaN"),
        (X, [float("inf"), *[1.0] * 23], "y contains infinity"),
        ([None, *X[1:]], Y, "row 0"),
        ([*X[:5], float("nan"), *X[6:]], Y, "row 5"),
        (np.zeros((24, 2)), Y, "must hold texts"),
        (np.zeros((24, 2), complex), Y, "must hold texts"),
        (["half \ud800", *X[1:]], Y, "surrogate"),
        ([["a", "b", "c"]] * 24, Y, "one text or two"),
        ("one text", Y, "sequence"),
        (5, Y, "sequence"),
    ],
)
def test_wrong_rows_are_refused(texts: Any, labels: Any, message: str, tiny) -> None:
    with pytest.raises(ValueError, match=message):
        small(tiny).fit(texts, labels)


def test_sparse_numbers_are_refused(tiny) -> None:
    from scipy.sparse import csr_matrix

    with pytest.raises(TypeError, match="sparse"):
        small(tiny).fit(csr_matrix(np.eye(24)), Y)


@pytest.mark.filterwarnings("ignore:.*too few.*")
def test_a_column_of_labels_is_flattened_with_a_warning(tiny) -> None:
    with pytest.warns(DataConversionWarning):
        assert small(tiny).fit(X, np.array(Y)[:, None]).predict(X).shape == (24,)


@pytest.mark.filterwarnings("ignore:.*too few.*")
def test_settings_are_checked_like_a_recipe(tiny) -> None:
    with pytest.raises(BertuneError, match=r"training\.epochs"):
        TextClassifier(tiny(), epochs=-1).fit(X, Y)
    with pytest.raises(BertuneError, match="did you mean"):
        small(tiny, settings={"loss.nmae": "focal"}).fit(X, Y)
    assert small(tiny, settings={**SETTINGS, "loss.name": "focal"}).fit(X, Y).predict(X[:1]).shape == (1,)


@pytest.mark.filterwarnings("ignore:.*too few.*")
def test_pipeline_cross_validation_and_grid_search(tiny) -> None:
    lower = FunctionTransformer(lambda texts: [text.lower() for text in texts])
    pipeline = make_pipeline(lower, small(tiny)).fit(pd.Series(X), Y)
    assert np.array_equal(pipeline.predict(X), pipeline[-1].predict(X))
    assert cross_val_score(small(tiny), np.array(X, dtype=object), Y, cv=2).shape == (2,)
    search = GridSearchCV(small(tiny), {"epochs": [1, 2]}, cv=2, error_score="raise").fit(X, Y)
    assert search.best_params_["epochs"] in (1, 2) and search.predict(X).shape == (24,)


@pytest.mark.filterwarnings("ignore:.*too few.*")
def test_a_fitted_classifier_is_pickled_by_its_run_folder(tiny, tmp_path: Path, fitted: TextClassifier) -> None:
    with pytest.raises(TypeError, match="out="):
        pickle.dumps(fitted)
    assert pickle.loads(pickle.dumps(small(tiny))).get_params() == small(tiny).get_params()
    model = small(tiny, out=tmp_path / "fits").fit(X, Y)
    state = pickle.dumps(model)
    assert len(state) < 5000 and model.run_folder_ == tmp_path / "fits" / "fit-1"
    for twin in (pickle.loads(state), copy.deepcopy(model)):
        assert np.array_equal(twin.predict_proba(X), model.predict_proba(X))
    assert model.fit(X, Y).run_folder_ == tmp_path / "fits" / "fit-2"  # a fit never writes over another


@pytest.mark.filterwarnings("ignore:.*too few.*")
def test_nothing_is_left_behind(tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    model = small(tiny).fit(X, Y)
    assert list(tmp_path.iterdir()) == []
    assert model.predict(X[:2]).shape == (2,)
