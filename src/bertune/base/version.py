"""The version of this release, where every floor can read it."""

VERSION = "0.1.0"
