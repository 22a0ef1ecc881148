"""The parts of plants that `data_tools.scenes.kinds.plant` draws."""
