"""Models as the Hugging Face hub has them: a folder with `model.safetensors` and `config.json`."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, cast

from gfm.checkpoints.files import CONFIG_FILE, FILE_NAME, config_text, load_network, save_model
from rssn.imaging.errors import InputError, one_line
from rssn.imaging.files import whole_file

if TYPE_CHECKING:
    import torch

    from gfm.models.network import MattingNetwork


class HubMethods:
    """The three methods by which models usually come from and go to the hub.

    Note:
        Not `PyTorchModelHubMixin`: that writes its own model card, takes any keyword into the
        configuration, and leaves a loaded model in the file's precision on the CPU.
    """

    def save_pretrained(self, folder: str | Path) -> None:
        """Write `model.safetensors` and `config.json` into a folder, which is made.

        Raises:
            InputError: It cannot be written to.
        """
        folder, model = Path(folder), cast("MattingNetwork", self)
        save_model(model, folder / FILE_NAME)
        with whole_file(folder / CONFIG_FILE) as part:
            part.write_text(config_text(model) + "\n")

    @classmethod
    def from_pretrained(
        cls, path_or_hub_id: str | Path, device: str | torch.device = "auto"
    ) -> MattingNetwork:
        """A model in eval mode; see `gfm.checkpoints.files.load_network`."""
        return load_network(path_or_hub_id, device)

    def push_to_hub(self, hub_id: str, *, private: bool = False, token: str | None = None) -> str:
        """Upload the model to `owner/name`, which is made if it does not exist.

        Args:
            hub_id: Where to.
            private: Whether a repository that has to be made is private.
            token: Of the hub; by default that of `hf auth login`.

        Returns:
            The address of the upload.

        Raises:
            InputError: The hub refuses, or cannot be reached.
        """
        from huggingface_hub import HfApi
        from huggingface_hub.errors import (
            HfHubHTTPError,
            HFValidationError,
            LocalTokenNotFoundError,
        )

        api = HfApi(token=token)
        with TemporaryDirectory(prefix="gfm-") as folder:
            self.save_pretrained(folder)
            try:
                api.create_repo(hub_id, private=private, exist_ok=True)
                return str(api.upload_folder(repo_id=hub_id, folder_path=folder))
            except (
                HfHubHTTPError,
                HFValidationError,
                LocalTokenNotFoundError,
                OSError,
            ) as error:
                raise InputError(f"{hub_id}: cannot be uploaded ({one_line(error)})") from None
