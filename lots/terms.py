"""The words of the trade: what may stand in the registry's fields."""

from enum import StrEnum


class SiteRegion(StrEnum):
    """What the climate of a site is like. Kept for rules that differ by it; none does yet."""

    TEMPERATE = "temperate"
    COASTAL_HUMID = "coastal_humid"
    COLD_WINTER = "cold_winter"


class PlaceKind(StrEnum):
    BAY = "bay"
    YARD = "yard"
    CONTAINER = "container"
    VEHICLE = "vehicle"


class Commodity(StrEnum):
    LEAD = "lead"
    WOOL = "wool"


class Form(StrEnum):
    INGOT = "ingot"
    GREASY = "greasy"
    SCOURED = "scoured"
    TOPS = "tops"
    CASHMERE = "cashmere"


FORMS = {
    Commodity.LEAD: (Form.INGOT,),
    Commodity.WOOL: (Form.GREASY, Form.SCOURED, Form.TOPS, Form.CASHMERE),
}


class Packaging(StrEnum):
    """What is around the goods; it decides how air and acids reach them."""

    STRAPPED = "strapped"  # bare bundle
    PALLET = "pallet"  # on wooden dunnage or a pallet
    SHRINK_WRAPPED = "shrink_wrapped"
    BALE_NYLON = "bale_nylon"
    BALE_JUTE = "bale_jute"
    BOXED = "boxed"


class ReferenceKind(StrEnum):
    PURCHASE_ORDER = "purchase_order"
    DELIVERY_NOTE = "delivery_note"
    CONTAINER = "container"
    BILL_OF_LADING = "bill_of_lading"
    BATCH = "batch"  # batch or melt number
    BRAND = "brand"
    GRADE = "grade"
    CERTIFICATE = "certificate"
    BALE_MARK = "bale_mark"


class Placement(StrEnum):
    """Where a tag measures: the free air, the goods' surface, or their core."""

    AIR = "air"
    SURFACE = "surface"
    CORE = "core"


class Phase(StrEnum):
    """What a lot is in the middle of."""

    IN_STOCK = "in_stock"
    LOADING = "loading"
    IN_TRANSIT = "in_transit"
    AT_CUSTOMER = "at_customer"


class LegMode(StrEnum):
    TRUCK = "truck"
    RAIL = "rail"
    SEA = "sea"
    AIR = "air"


class HoldKind(StrEnum):
    FUMIGATED = "fumigated"
    SEAL = "seal"
    QUARANTINE = "quarantine"
    ON_WARRANT = "on_warrant"


class Tier(StrEnum):
    """What service a party was promised."""

    STANDARD = "standard"
    PRIORITY = "priority"
    CRITICAL = "critical"


class Identity(StrEnum):
    """What tells two readings of one tag and time apart, and a repeat from a new one."""

    COUNTERS = "counters"  # (boot, seq), the device's own
    FRAME = "frame"  # the frame counter of the device's session on its network
    VALUES = "values"  # what was measured
