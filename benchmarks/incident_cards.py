"""Do the ten incident cards hold in other worlds? ``python benchmarks/incident_cards.py [FIRST [HOW MANY]]``."""

import sys

from mllayers.teach.cards import CARDS

first, many = (int(word) for word in [*sys.argv[1:], *("300", "10")[len(sys.argv) - 1 :]])
for name, card in CARDS.items():
    held = [card.holds(card.numbers(seed)) for seed in range(first, first + many)]
    print(f"{name:<26} {sum(held)} of {many} worlds")
