"""Split whole groups, such as all texts of one customer."""

from bertune.data.splits._deal import Shares


class Grouped(Shares):
    """Rows with the same value of a column stay together; shares and classes as close as the groups allow.

    A pure function of keys, labels, group membership and seed; the order of the rows does not matter. `groups` are
    the values of the group column joined with the near-duplicate groups.
    """

    needs_group = True
