"""A choice of layers, heads and tokens of a result."""

from attncli.insight.chosen_part import Part as Part
