"""Built-in data drawn by code: objects that are hard to matte, with exact alpha, F and B."""

from data_tools.scenes.backgrounds import draw_background
from data_tools.scenes.kinds import KINDS
from data_tools.scenes.objects import draw_object
from data_tools.scenes.scene import Scene, draw_scene

__all__ = ["KINDS", "Scene", "draw_background", "draw_object", "draw_scene"]
