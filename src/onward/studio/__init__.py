"""The studio: a web page to talk to models and to look at what was built (`onward studio`, docs/studio.md).

    page.py       the page: its rooms, mounted on the server's app
    rooms/        a room is a tab: one small file with one function
    theme.py      how all of it looks
    door.py       who may come in, and what the page may fetch
    places.py     the runs and models that there are; shelf.py opens those that are asked for
    saying.py     a model's answer, piece by piece; answers.py keeps answers going when nobody watches
    kept.py       conversations, in SQLite
    chain.py      a text as a tree of word chains; draws.py: what happens where a word is drawn; watched.py: who guessed it
    pictures.py   curves of several stages in one picture
    building.py   roads that go on without the page

What a browser sends is a name that is looked up, never a path. What a model says is text: it is escaped where it meets HTML (markupsafe).
"""
