"""What is wrong with the documents of a crawl: a file for each kind of damage, each with its truth. The mix is in crawl.py beside it.

A damage takes a `Draw`, and the text that it damages; an invention takes only the `Draw`, since such a document was wrong from the start.
Both give a `Page`. All templates are data (data/dirt/*.toml); the last fifth of each list, and the last of the ways in which a file does
its damage, are held out, so that a cleaner can be measured on dirt that it was not tuned on.
"""
