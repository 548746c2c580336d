from __future__ import annotations

import pytest

from indexing.models.device import _usable, resolve
from sluice.errors import ConfigurationError
from sluice.settings import EmbeddingSettings


def test_the_cpu_is_asked_for_by_name_or_taken_where_gpus_are_hidden() -> None:
    """Neither imports torch."""
    assert resolve("cpu") == "cpu"
    assert resolve("auto", {"CUDA_VISIBLE_DEVICES": ""}) == "cpu"


@pytest.mark.slow
@pytest.mark.parametrize("wanted", ["cuda", "cuda:99", "mps"])
def test_a_gpu_that_is_not_there_is_a_configuration_error(wanted: str) -> None:
    """Never silently the CPU: the message names the key and the next step."""
    if _usable(wanted) is not None:
        pytest.skip(f"this machine has {wanted}")
    with pytest.raises(ConfigurationError, match=f"embedding.device: '{wanted}'"):
        resolve(wanted)


@pytest.mark.parametrize("wanted", ["gpu", "cuda:", "CUDA", "cuda:x", ""])
def test_a_device_has_a_name_that_torch_knows(wanted: str) -> None:
    """auto, cpu, cuda, cuda:N or mps."""
    with pytest.raises(ValueError, match="device"):
        EmbeddingSettings.model_validate({"device": wanted})
