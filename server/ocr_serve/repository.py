"""Is the model repository whole? Triton would stumble over what is not, late and in many lines."""

from ocr_contract.errors import InvalidModel
from ocr_contract.options import ENDPOINTS
from ocr_pipeline.repository import BUDGET, CONFIG, ModelRepository, ModelSet, number
from ocr_pipeline.tickets import MOST
from ocr_pipeline.whole import check_installed

# What each step asks for in its configuration; it would refuse to load, late and in many lines.
NUMBERS = {
    "admit": ("max_in_flight",),
    "wait_turn": ("max_at_work",),
    "det_batcher": ("max_pixels", "max_bytes", "max_lines", BUDGET),
    "rec_batcher": ("rec_lines_per_call", "rec_pixels_per_call", "rec_calls_in_flight", BUDGET),
    "rec_preprocess": ("max_images", "max_pixels", "max_bytes"),
}


def check_repository(repository: ModelRepository) -> ModelSet:
    """What is installed, after a look at every file of it.

    Raises:
        InvalidModel: models, weights, parameters or the dictionary are missing, corrupt, or do not fit together.
    """
    for model in sorted(set(ENDPOINTS) - set(repository.models())):
        raise InvalidModel(f"{repository.path} is not the model repository: it has no {model}/{CONFIG}")
    recognisers = [config for name, config in repository.reading_networks().items() if name != "det"]
    most = {"max_in_flight": MOST, "rec_lines_per_call": min(config["max_batch_size"] for config in recognisers)}
    for step, names in NUMBERS.items():
        config = repository.config(step)
        for name in names:
            if name not in config.get("parameters", {}):
                raise InvalidModel(
                    f"{repository.path / step / CONFIG} does not say {name}, so it is of another version: "
                    "make a new model repository with ocr-convert --model-repository"
                )
            number(config, name, most.get(name))
    return check_installed(repository)
