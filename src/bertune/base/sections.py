"""The sections of a recipe: every setting with its type, bounds, default and meaning, written once."""

from typing import Annotated, Literal

from annotated_types import Ge, Gt, Le, Lt
from pydantic import BaseModel, ConfigDict
from pydantic import Field as Described

Share = Annotated[float, Ge(0), Lt(1)]
Positive = Annotated[float, Gt(0)]
Count = Annotated[int, Ge(1)]
Device = Literal["auto", "cpu", "cuda", "mps"] | Annotated[str, Described(pattern="^cuda:[0-9]+$")]
Tracker = Literal["tensorboard", "mlflow", "wandb", "trackio"]


class Section(BaseModel):
    """A table of settings; unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class DataSection(Section):
    """Where the rows come from, which columns are read, how they are cleaned."""

    train: str | None = Described(None, description="file, folder or hf:<dataset> with labelled rows")
    valid: str | None = Described(None, description="file with validation rows; else split off")
    test: str | None = Described(None, description="file with test rows; else split off")
    also: tuple[str, ...] = Described(
        (), description="further tasks learnt together with this one: a file of data, or a recipe, for each"
    )
    unlabelled: str | None = Described(
        None, description="file with rows without labels, whose sure guesses are learnt too (self-training)"
    )
    text: str | None = Described(None, description="column with the text; else recognised")
    text_pair: str | None = Described(None, description="column with the second text; else recognised")
    label: str | None = Described(None, description="column with the label; else recognised")
    group: str | None = Described(None, description="column whose equal values never straddle a split")
    format: str = Described("auto", description="name of a reader; auto: recognised")
    encoding: str = Described("auto", description="text encoding; auto: recognised, as UTF-8, GB18030, Windows-1252")
    delimiter: str = Described("auto", description="column separator of CSV files; auto: recognised")
    quoting: Literal["standard", "none", "backslash"] = Described(
        "standard", description='of CSV files; none: a quote is an ordinary character; backslash: \\" within quotes'
    )
    header: Literal["auto", "yes", "no"] = Described(
        "auto", description="whether a CSV file starts with the names of its columns; auto: recognised"
    )
    missing: Literal["drop", "fill"] = Described("drop", description="what becomes of rows without text")
    fill: str = Described("", description="text put in for missing text when missing = fill")
    cleaning: tuple[str, ...] = Described((), description="cleaners applied in this order")
    no_label: tuple[str, ...] = Described((), description="labels that stand for none; their rows are left out")
    label_spelling: Literal["exact", "merge"] = Described(
        "exact", description="merge: labels that differ in case and spaces only count as one"
    )


class AugmentSection(Section):
    """What every augmenter shares; its own settings stand beside these."""

    copies: Annotated[int, Ge(1), Le(100)] = Described(1, description="changed copies made of each training row")


class ModelSection(Section):
    """Which encoder, how much of it learns, and how long its texts are."""

    name: str = Described("auto", description="hub id, folder or known name; auto: by language and hardware")
    from_run: str | None = Described(
        None, description="folder of an earlier run whose encoder is started from, with a fresh head"
    )
    revision: str | None = Described(None, description="commit or tag of a hub model")
    max_length: Annotated[int, Ge(4), Le(8192)] | Literal["auto"] = Described(
        "auto", description="tokens kept of a text; auto: from the training rows"
    )
    dropout: Share | Literal["auto"] = Described("auto", description="hidden dropout; auto: as pretrained")
    attention_dropout: Share | Literal["auto"] = Described("auto", description="attention dropout; auto: as pretrained")
    head_dropout: Share | Literal["auto"] = Described("auto", description="dropout before the head; auto: as the model")
    train: Literal["all", "head", "top", "lora"] = Described(
        "all", description="what learns: everything, the head alone, the top layers and the head, or LoRA and the head"
    )
    top_layers: Count = Described(2, description="layers that learn when train = top")
    lora_rank: Annotated[int, Ge(1), Le(1024)] = Described(8, description="LoRA: width of the thin matrices")
    lora_alpha: Count = Described(16, description="LoRA: what is added is scaled by lora_alpha / lora_rank")
    lora_dropout: Share = Described(0.0, description="LoRA: dropout before the thin matrices")
    freeze: tuple[str, ...] = Described((), description="patterns (fnmatch) of parameter names that stay as they are")
    unfreeze_per_epoch: Annotated[int, Ge(0)] = Described(
        0, description="gradual unfreezing: layers set free each epoch, from the top; 0: off"
    )
    reinitialize_top: Annotated[int, Ge(0)] = Described(0, description="top layers that start from random weights")


class TrainingSection(Section):
    """How long, in what portions, with what arithmetic."""

    epochs: Annotated[float, Gt(0), Le(1000)] | Literal["auto"] = Described("auto", description="passes over the rows")
    batch_size: Annotated[int, Ge(1), Le(65536)] | Literal["auto"] = Described(
        "auto", description="rows per update, over all micro-batches"
    )
    seeds: Annotated[int, Ge(1), Le(100)] | Literal["auto"] = Described(
        "auto", description="seeds to train with, the best on validation is kept; auto: 3 under 1,000 training rows"
    )
    temperature: Annotated[float, Ge(1), Le(1000)] = Described(
        1.0, description="of tasks learnt together: 1 takes batches by their rows, the higher the more evenly"
    )
    max_tokens: Annotated[int, Ge(16)] = Described(
        4096, description="padded tokens computed at once (micro-batch); fewer where texts are long"
    )
    micro_batch_size: Annotated[int, Ge(1)] | Literal["auto"] = Described(
        "auto", description="rows computed at once; auto: as many as max_tokens allows"
    )
    precision: Literal["auto", "fp32", "bf16", "fp16"] = Described(
        "auto", description="auto: bf16 where the hardware has it, fp16 on GPUs that have fast fp16 alone"
    )
    gradient_checkpointing: bool = Described(
        False,
        description="keep each layer's input alone and compute the layer anew for its gradient: less memory, slower",
    )
    clip_norm: Annotated[float, Ge(0)] = Described(1.0, description="largest norm of the gradient; 0: no clipping")
    averaging: Literal["auto", "none", "ema"] = Described(
        "auto", description="ema: judge and keep a running average of the weights"
    )
    averaging_share: Annotated[float, Gt(0), Le(1)] = Described(
        0.05, description="span of the running average as a share of all steps"
    )
    group_by_length: bool = Described(True, description="texts of like length share a batch, so less is padding")
    device: Device = Described("auto", description="auto: an accelerator where there is one; cuda:1 is the second")
    threads: Annotated[int, Ge(1)] | Literal["auto"] = Described(
        "auto", description="processor threads, to compute and to make tokens with"
    )
    checkpoint_minutes: Positive = Described(10.0, description="at least one checkpoint in so many minutes")
    keep_checkpoints: bool = Described(False, description="keep the last checkpoints when the run is done")
    track: tuple[Tracker, ...] = Described((), description="where the events are sent too")
    restart_on_collapse: bool = Described(
        True, description="start once more, with the cure named, when a run collapses"
    )


class SelfTrainingSection(Section):
    """Which guesses on the rows of data.unlabelled are learnt, and how often."""

    rounds: Annotated[int, Ge(1), Le(10)] = Described(
        1, description="students at most, each taught by the best model before it"
    )
    threshold: Annotated[float, Ge(0), Lt(1)] = Described(
        0.7, description="least calibrated probability of a guess that is learnt"
    )
    most: Annotated[float, Gt(0), Le(1000)] = Described(
        3.0, description="guesses learnt at most for each training row, the surest first"
    )
    balance: bool = Described(True, description="no class gets more of the guesses than its share of the training rows")


class OptimizerSection(Section):
    """What every optimizer shares; its own settings stand beside these."""

    learning_rate: Annotated[float, Gt(0), Le(1000)] | Literal["auto"] = Described(
        "auto", description="peak learning rate; auto: from model, rows, classes (Adam family only)"
    )
    layer_decay: Annotated[float, Gt(0), Le(1)] | Literal["auto"] = Described(
        "auto", description="factor on the learning rate for each layer further down"
    )


class ScheduleSection(Section):
    """What every schedule shares; its own settings stand beside these."""

    warmup: Share = Described(0.06, description="share of the steps in which the learning rate rises from 0")


class EvaluationSection(Section):
    """How the model is judged while and after it learns."""

    metric: str = Described("auto", description="metric to select by; auto: the task's first")
    per_epoch: Annotated[int, Ge(1), Le(1000)] | Literal["auto"] = Described(
        "auto", description="checks on validation data per epoch; auto: 2, or 1 if more rows are checked than learnt"
    )
    early_stopping: bool = Described(True, description="stop when the metric has not risen")
    patience: Count | Literal["auto"] = Described(
        "auto", description="checks without gain before stopping; auto: two fifths of all planned checks, at least 4"
    )
    minimum_gain: Annotated[float, Ge(0)] = Described(0.0005, description="smallest rise that counts")
    tolerance: Annotated[float, Ge(0)] = Described(
        1.0, description="the latest weights within so many standard errors of the best score are kept; 0: the best"
    )
    batch_size: Annotated[int, Ge(1)] = Described(64, description="rows at once when only predicting")
    calibration: bool = Described(True, description="fit a temperature on validation and fold it into the head")
    threshold: Literal["none", "tune"] = Described(
        "none", description="tune: two-class decision threshold chosen on validation"
    )
    resamples: Annotated[int, Ge(100)] = Described(1000, description="bootstrap resamples behind the intervals")
    slices: tuple[str, ...] = Described((), description="columns of the data by whose values the scores are given too")
    baselines: bool = Described(True, description="train the trivial baselines on the same split")
    suspects: bool = Described(True, description="look for wrong labels in the training rows")


class ReportSection(Section):
    """What report.html shows."""

    language: Literal["en", "zh"] = Described("en", description="language of the report and the model card")
    examples: Annotated[int, Ge(0), Le(1000)] = Described(50, description="rows shown in each list of examples")
