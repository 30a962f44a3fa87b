"""The names that packs may use, with their units: measured, derived, and terms of the lot."""

MEASURED = {
    "temperature": ("°C", "of the air around the lot"),
    "humidity": ("%RH", "of the air around the lot, over water"),
    "core": ("°C", "of the goods' core, by a core tag"),
}
DERIVED = {
    "dew_point": ("°C", "of the air around the lot; of lead without a tag there, of that at it"),
    "absolute_humidity": ("g/m³", "of the air around the lot"),
    "surface": ("°C", "of the goods (lead): by a tag on them, else following the air by their lag"),
    "margin": ("K", "surface above dew point; below 0 water settles"),
    "hours_until_dry": ("h", "until the surface is 3 K above the dew point if the air stays so"),
    "film": ("g/m²", "of water and ice on lead that was seen to settle and has not yet dried"),
    "settling": ("g/m²h", "of water or ice that settle on lead now; below 0 so much would dry"),
    "film_most": ("g/m²", "of them that there may be at most: unknown is not dry"),
    "wet_hours": ("h", "with at least 5 g/m² of water on lead, until 11 h with less"),
    "dry_hours": ("h", "since there can have been no water or ice on lead, in its cavities either"),
    "recess_most": ("mm", "of water that may stand in the cavities of lead at most"),
    "not_fit": (
        "code",
        (
            "of lead, for a furnace. 0: no wetting seen, inspect and preheat; else the sum of 1"
            " wet, 2 not dry for 24 h, 4 not known, 8 in the open or being loaded"
        ),
    ),
    "damp_hours": ("h", "with T > 0 °C and RH > 80 %, until 12 dry hours in a row"),
    "regain": ("%", "of the wool's outer layer, most likely: its balance with the air, by its lag"),
    "regain_low": ("%", "the least that the outer layer's may be"),
    "regain_high": ("%", "the most that it may be"),
    "core_regain_low": ("%", "the least that the regain inside of the bales may be"),
    "core_regain_high": ("%", "the most that it may be"),
    "scale_mass_low": ("kg", "the least that a scale should show of the lot of wool"),
    "scale_mass_high": ("kg", "the most that it should show"),
    "surface_humidity": ("%RH", "of the air in the wool's outer layer"),
    "water_content": ("%", "of the wool's outer layer, of its whole mass"),
    "mould_index": ("0-6", "VTT at the surface: 1 is the first growth, 3 is visible"),
    "mould_in_hours": ("h", "until the mould index is 1 as it now goes on; infinity: never"),
    "core_warming": ("K/day", "by which the wool's core warms by itself, beyond the air"),
    "moth_degrees": ("K", "degree-days that clothes moths gain in a day at this temperature"),
}
AHEAD = {
    "sweat_ahead": ("0-1", "probability that water settles within 2 days, on a way known to come"),
    "sweat_in": ("h", "until it is likely to settle, or else most likely"),
    "sweat_lasts": ("h", "that it is expected to go on settling"),
}
PLACED = {
    "outdoors": ("0/1", "in a yard, where rain and ice come that no tag sees"),
    "boxed": ("0/1", "in a container or a vehicle"),
}
FAULTS = {
    "stuck_tag": ("number", "of a tag of the lot that says the same again and again; 0: none does"),
    "salted_tag": ("number", "of one that says damp while its neighbours are dry"),
    "drift_temperature_tag": ("number", "of one whose temperature moved away from its neighbours'"),
    "drift_humidity_tag": ("number", "of one whose humidity moved away from its neighbours'"),
    "spiking_tag": ("number", "of the one with most readings far from those around them"),
    "spikes": ("times", "that it had such a reading of late: one counts for 1/e after 24 h"),
}
COUNTS = frozenset({"code", "number", "times", "0/1", "0-1", "0-6"})
"""What stands in the place of a unit and is none."""
TAG_NUMBERS = tuple(name for name, (unit, _) in FAULTS.items() if unit == "number")
"""Texts of packs have the tag's name in their place."""
TERMS = {
    "limit_temperature_min": ("°C", "the customer's own; minus infinity without one"),
    "limit_temperature_max": ("°C", "the customer's own; infinity without one"),
    "limit_humidity_min": ("%RH", "the customer's own; minus infinity without one"),
    "limit_humidity_max": ("%RH", "the customer's own; infinity without one"),
    "contract_regain": ("%", "of the contract"),
    "dry_mass": ("kg", "of the wool without its water, as it was weighed and cored"),
    "invoice_mass": ("kg", "of the wool at the contract's regain: it does not move"),
}
SIGNALS = MEASURED | DERIVED | AHEAD | PLACED | FAULTS | TERMS
FORESEEN = {
    "likely": "how likely it is, in %",
    "comes_in": "in how many hours",
    "lasts": "for how many",
    "wait_until": "when it is expected to be over, on the clock of the site where the lot comes to",
}
"""What the texts of something foreseen may have besides."""
