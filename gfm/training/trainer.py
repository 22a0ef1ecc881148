"""Lightning's trainer as the command line reads it."""

from __future__ import annotations

from typing import Any

import pytorch_lightning as lightning


class Trainer(lightning.Trainer):
    """Lightning's trainer, whose numbers of batches stay whole numbers.

    Args:
        limit_train_batches: Batches of an epoch, or with a fraction the share of them.
        limit_val_batches: The same of photographs that validate.
        limit_test_batches: The same of photographs that test.
        limit_predict_batches: The same of photographs that are matted.

    Note:
        Lightning writes `Optional[Union[int, float]]`. For `typing` that is the same as
        `Optional[Union[float, int]]`, and whichever was written first in a process, by any
        package, stands for both: the command line then reads `1` as 1.0, which is all batches.
    """

    def __init__(
        self,
        *args: Any,  # noqa: ANN401
        limit_train_batches: int | float | None = None,
        limit_val_batches: int | float | None = None,
        limit_test_batches: int | float | None = None,
        limit_predict_batches: int | float | None = None,
        **kwargs: Any,  # noqa: ANN401
    ) -> None:
        super().__init__(
            *args,
            limit_train_batches=limit_train_batches,
            limit_val_batches=limit_val_batches,
            limit_test_batches=limit_test_batches,
            limit_predict_batches=limit_predict_batches,
            **kwargs,
        )
