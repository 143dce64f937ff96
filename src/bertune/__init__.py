"""bertune: from a file of labelled text to a trained, honestly tested BERT."""

__version__ = "0.1.0"
