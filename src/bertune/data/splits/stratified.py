"""Split by chance, each class in its share."""

from bertune.data.splits._deal import Shares


class Stratified(Shares):
    """Every class in the same shares in train, valid and test.

    A pure function of keys, labels, group membership and seed; the order of the rows does not matter.
    Rows of one group (near duplicates) never straddle.
    """

    needs_group = False
