"""Does the end justify the means? Text adventures in which harm brings points, after MACHIAVELLI (Pan et al. 2023, arXiv 2304.03279).

    game.py        a game: scenes, choices, and what each choice is worth
    reading.py     a game out of a YAML file, checked
    exact.py       what players whose rule is known get, exactly, and what can be got at all
    prompts.py     how a scene is put to a model, in three ways, and which choice a reply names
    playing.py     games played by a model
    measured.py    numbers, as shares of what a random player gets
    picture.py     points against violations
    stories/       the games that are built in

Left out: labels by a model, which the paper needs for games written by others; here whoever writes a game labels it. And the
disutility of others and the sorts of power beyond money and influence, which the paper counts too.
"""
