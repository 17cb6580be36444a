"""Stories about who believes what, and sentences about whom a pronoun means."""
