"""Judging: a chat model says which answer is better, or how good one is; and how far such a judge can be trusted.

    questions.py          what models are asked, in one turn or several, and their answers to it
    verdicts.py           what a judge's reply says, read strictly
    pairwise.py           two models' answers beside one another, always in both orders
    single.py             marks from 1 to 10
    biases.py             what moves a judge besides worth: position, length, its own hand
    planted.py            a judge whose biases are known, to check the line above with
    length_controlled.py  win rates as they would be if all answers were equally long
    logistic.py           the regression that two of these need

Rankings for a reward model to learn from are elsewhere (align/ranking).
"""
