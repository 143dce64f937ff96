"""How the learning rate of other optimizers relates to that of AdamW."""

RATE_OF_ADAMW = {
    "adamw": 1.0,
    # The same update; they differ in how weight decay enters.
    "adam": 1.0,
    # Adam's update with a look ahead; as large as Adam's once the momentum has settled (Dozat 2016).
    "nadam": 1.0,
    # Adam's update exactly, apart from the first few hundred steps (Liu et al. 2020: same rates as Adam's).
    "radam": 1.0,
    # Largest in place of root mean square gradient: updates up to some times smaller, the paper's own rate is 0.002
    # to Adam's 0.001 (Kingma and Ba 2015, algorithms 1 and 2).
    "adamax": 2.0,
    # Chen et al. 2023, section 5: "typically 3-10x smaller than that for AdamW", since every weight moves by the whole
    # rate; 5 is the middle, and weight decay is larger by the same factor in lion's defaults.
    "lion": 0.2,
    # A LAMB update has the size of the tensor's weights, an AdamW update its own; the rates relate as rms(update) to
    # rms(weights). Measured on all-MiniLM-L6-v2, SST-2 sentences, AdamW at 1e-4, batch 16, median over the matrices of
    # the layers: 9.9, 4.9, 7.4, 3.4 at updates 2, 11, 31, 60 (extremes 1.5 and 73). A start, not a tuned value.
    "lamb": 5.0,
}
"""Factor on a learning rate that was chosen for AdamW, for the optimizers where a rule holds; no entry: no rule."""
