"""The arena: people vote on the answers of models whose names they do not see, and the votes are made into an order with its uncertainty.

    votes.py          the votes, in SQLite: added to, never changed
    collect.py        collecting them at the terminal; settings.py says how
    bradley_terry.py  strengths from votes, with intervals that hold
    elo.py            ratings that are changed vote by vote, and how much of them is the order of the votes

Left out: voting in a browser.
"""
