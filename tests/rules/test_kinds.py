"""Each kind of rule that a pack can have, by one that has no other, and by its timelines."""

from __future__ import annotations

import pytest

from rules.pack import parse
from rules.trial import run, trials

LEVEL = """
rules:
  x.level:
    when: temperature > 30
    clear: temperature < 25
    for: 2 h
tests:
  hot for longer than the delay:
    air: [[0, 20, 50], [10, 40, 50], [20, 20, 50]]
    expect: {x.level: [[7, 18]]}
  hot for less:
    air: [[0, 20, 50], [9, 20, 50], [10, 40, 50], [11, 20, 50], [20, 20, 50]]
    expect: {}
"""
RATE = """
derived:
  warming: {rate: temperature, over: 3 h, unit: K/h, about: how fast it warms}
rules:
  x.rate:
    when: warming > 1
    clear: warming < 0.5
tests:
  two kelvins an hour:
    air: [[0, 10, 50], [12, 10, 50], [24, 34, 50], [48, 34, 50]]
    expect: {x.rate: [[14.5, 28.5]]}
  as warm in the end but slowly:
    air: [[0, 10, 50], [12, 10, 50], [48, 34, 50]]
    expect: {}
"""
BUDGET = """
derived:
  outside: {hours: temperature > 30, per: journey, unit: h, about: too warm in a journey}
rules:
  x.budget:
    when: outside > 10
    clear: outside < 1
tests:
  six hours on each of two days of a journey:
    circumstances: [{from: 1, phase: in_transit, journey: 1}, {from: 60, journey: 2}]
    air: [[0, 20, 50], [9, 35, 50], [18, 20, 50], [24, 20, 50], [33, 35, 50], [42, 20, 50],
          [72, 20, 50]]
    expect: {x.budget: [[34.5, 60]]}
  the same on two journeys:
    circumstances: [{from: 1, phase: in_transit, journey: 1}, {from: 20, journey: 2}]
    air: [[0, 20, 50], [9, 35, 50], [18, 20, 50], [24, 20, 50], [33, 35, 50], [42, 20, 50],
          [72, 20, 50]]
    expect: {}
"""
INTEGRAL = """
derived:
  heat: {integral: temperature - 30, spell: 6 h, unit: K h, about: heat above 30 degrees}
rules:
  x.integral:
    when: heat > 20
    clear: heat < 1
tests:
  five kelvins too warm for four hours:
    air: [[0, 25, 50], [2, 35, 50], [8, 35, 50], [9, 25, 50], [24, 25, 50]]
    expect: {x.integral: [[5.5, 14.5]]}
  twice for two hours with a pause between:
    air: [[0, 25, 50], [1, 35, 50], [3, 35, 50], [4, 25, 50], [14, 25, 50], [15, 35, 50],
          [17, 35, 50], [18, 25, 50]]
    expect: {}
"""
REPEAT = """
derived:
  often: {times: humidity > 80, within: 2 d, unit: times, about: how often it became damp}
rules:
  x.repeat:
    when: often >= 3
    clear: often < 3
tests:
  damp on three mornings:
    air: [[0, 20, 60], [6, 20, 90], [12, 20, 60], [24, 20, 60], [30, 20, 90], [36, 20, 60],
          [42, 20, 60], [48, 20, 90], [54, 20, 60], [96, 20, 60]]
    expect: {x.repeat: [[46.5, 52.5]]}
  damp on two:
    air: [[0, 20, 60], [6, 20, 90], [12, 20, 60], [24, 20, 60], [30, 20, 90], [96, 20, 90]]
    expect: {}
"""
SILENCE = """
rules:
  x.silence:
    silent_intervals: 3
    silent_at_least: 2 h
tests:
  nothing for four hours:
    every: 1 h
    air: [[0, 20, 50], [24, 20, 50]]
    unheard: [[10.5, 15.5]]
    expect: {x.silence: [[13, 16]]}
  a leg without a network:
    every: 1 h
    air: [[0, 20, 50], [24, 20, 50]]
    unheard: [[10.5, 15.5]]
    offline: [[10, 15]]
    expect: {}
"""
CORE = """
rules:
  x.core:
    when: core - temperature > 5
    clear: core - temperature < 3
tests:
  a core that warms by itself:
    core: [[0, 20], [10, 30]]
    air: [[0, 20, 50], [10, 20, 50]]
    expect: {x.core: [[5.5]]}
  a core that warms with the air:
    core: [[0, 20], [10, 30]]
    air: [[0, 20, 50], [10, 29, 50]]
    expect: {}
"""
DUNNAGE = """
derived:
  vapour_rise: {rate: absolute_humidity, over: 3 h, unit: g/m3/h, about: what the box gives off}
rules:
  x.wet_dunnage:
    when: boxed > 0 and surface < temperature and vapour_rise > 0.5
    clear: boxed <= 0 or vapour_rise < 0.2
tests:
  wet wood in a box that the sun warms:
    circumstances: [{place: container}]
    # Of 8.5 g/m3 at first 24 six hours later; the rate then falls by its own 3 h.
    surface: [[0, 10], [24, 10], [48, 20]]
    air: [[0, 12, 80], [24, 12, 80], [30, 30, 80], [48, 30, 80]]
    expect: {x.wet_dunnage: [[25.5, 38.5]]}
  dry wood in one:
    circumstances: [{place: container}]
    surface: [[0, 10], [24, 10], [48, 20]]
    air: [[0, 12, 60], [24, 12, 60], [30, 30, 21], [48, 30, 21]]
    expect: {}
"""
FORECAST = """
rules:
  x.forecast:
    when: sweat_ahead > 0.8
    clear: sweat_ahead < 0.5
tests:
  a leg into a damp climate:
    circumstances:
      - {place: bay}
      - {from: 40, place: vehicle, phase: in_transit, course: {departs: 40, arrives: 50,
         origin: {temperature: 0, dew_point: -3}, destination: {temperature: 25, dew_point: 20}}}
    air: [[0, 0, 60], [39, 0, 60]]
    expect: {x.forecast: [[13]]}
  a leg into a dry one:
    circumstances:
      - {place: bay}
      - {from: 40, place: vehicle, phase: in_transit, course: {departs: 40, arrives: 50,
         origin: {temperature: 0, dew_point: -3}, destination: {temperature: 25, dew_point: -2}}}
    air: [[0, 0, 60], [39, 0, 60]]
    expect: {}
"""
CUSTOMER = """
rules:
  x.customer:
    when: humidity > limit_humidity_max
    clear: humidity < limit_humidity_max - 2
tests:
  over their limit:
    lot: {limits: {humidity_max: 55}}
    air: [[0, 20, 50], [10, 20, 60], [20, 20, 50]]
    expect: {x.customer: [[5.5, 17.5]]}
  without one:
    air: [[0, 20, 50], [10, 20, 60], [20, 20, 50]]
    expect: {}
"""
KINDS = {
    "level with a delay": LEVEL,
    "rate": RATE,
    "cumulative budget of a journey": BUDGET,
    "integral": INTEGRAL,
    "repeat count": REPEAT,
    "silence": SILENCE,
    "pair: core against air": CORE,
    "pair: wet dunnage beside metal": DUNNAGE,
    "forecast": FORECAST,
    "customer limits": CUSTOMER,
}
SAID = """\
    title: "{lot}"
    severity: warning
    action: a
    based_on: b
"""


def rules_of(kind: str):
    head, rule, rest = KINDS[kind].partition("rules:\n")
    name, body = rest.split("\n", 1)
    text = f"pack: x\napplies_to: {{commodity: lead}}\n{head}{rule}{name}\n{SAID}{body}"
    return parse({"x.yaml": text})


@pytest.mark.parametrize("kind", KINDS)
def test_a_rule_of_this_kind_tells_what_happens_from_what_does_not(kind):
    rules = rules_of(kind)
    found = {trial.name: run(trial, rules) for trial in trials(rules)}
    assert {name: outcome.alerts for name, outcome in found.items() if outcome.wrong} == {}
    assert [bool(outcome.alerts) for outcome in found.values()] == [True, False]
