"""Faric, a second language of the world's own: dictionary, grammar, the same sentences in English, and the kinds of text made from them."""

from onward.world.faric.kinds import cross_lingual, monolingual, parallel, translation

__all__ = ["cross_lingual", "monolingual", "parallel", "translation"]
