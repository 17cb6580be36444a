"""Was a test in the training data? Four questions to a model, each with its interval, chance level and control, and all p-values as one.

    documents.py     a suite, or a file of texts, as plain texts
    completion.py    does it carry a text on as the text itself does, and the better for being told whose it is?
    yes_no.py        does it say that it has seen a text, more often than of texts that it cannot have seen?
    membership.py    are the texts likelier, where they are least likely, than unseen ones of the same sort? (Min-K%, Min-K%++)
    order.py         is the order as published likelier than other orders?
    separation.py    how well a score tells two groups apart: AUC, true positives at 5 % false ones, p
    gathering.py, parts.py, examination.py: all of it, put to one model, and what it comes to

Left out: searching the training data itself, which answers the question where one has it; and attacks that train models of their own.
"""
