"""What is cleaned, as far as prices depend on it."""

from enum import StrEnum


class SizeClass(StrEnum):
    """How much there is to clean."""

    COMPACT = "compact"
    SEDAN = "sedan"
    COUPE = "coupe"
    WAGON = "wagon"
    SUV = "suv"
    LARGE_SUV = "large_suv"
    TRUCK = "truck"
    MINIVAN = "minivan"
    VAN = "van"
    MOTORCYCLE = "motorcycle"
    RV = "rv"


class Condition(StrEnum):
    """How dirty it is, as its owner sees it."""

    CLEAN = "clean"
    NORMAL = "normal"
    DIRTY = "dirty"
    VERY_DIRTY = "very_dirty"
