"""Recipes: which part fills which slot, with which settings, and how the result is trained.

``load_recipe`` turns YAML into a checked `Recipe`; ``build_parts`` turns a recipe into the parts, checking that each
fits its neighbours; ``recipe_schema`` describes the YAML to editors.
"""

from .build import Parts, build_parts
from .find import list_recipes
from .load import load_recipe, recipe_from_text
from .model import PartChoice, Recipe
from .schema import recipe_schema
from .training import TrainingSettings
from .yaml_source import parse_overrides

__all__ = [
    "PartChoice",
    "Parts",
    "Recipe",
    "TrainingSettings",
    "build_parts",
    "list_recipes",
    "load_recipe",
    "parse_overrides",
    "recipe_from_text",
    "recipe_schema",
]
