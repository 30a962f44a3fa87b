"""Which words of a state say what another does: each after that one, and so that it is worth it."""

from rules.alike import alike
from rules.pack import load
from rules.state import Book

FRESH = Book(load()).fresh(1)


def test_each_word_is_like_one_before_it():
    found = alike(FRESH)
    assert len(found) == sum(column.nbytes for column in FRESH.columns()) // 8
    assert found[0] == 0
    assert all(like < word for word, like in enumerate(found.tolist()) if word)
