"""`python -m gfm report`: one self-contained page that shows what a model does on photographs."""
