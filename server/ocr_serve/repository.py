"""Is the model repository whole? Triton would stumble over what is not, late and in many lines."""

from ocr_contract.errors import InvalidModel
from ocr_contract.options import ENDPOINTS
from ocr_pipeline.repository import BUDGET, CONFIG, ModelRepository, ModelSet, number
from ocr_pipeline.whole import check_installed

_SLACK_S = 30.0


def longest_step_s(repository: ModelRepository) -> float:
    """Seconds after which a step that has not got on with a request hangs: one that works has given it up by then.

    Raises:
        InvalidModel: a configuration is missing, or says no such number.
    """
    configs = [repository.config(model) for model in repository.served_models()]
    stated = [number(config, BUDGET) for config in configs if BUDGET in config.get("parameters", {})]
    return _SLACK_S + max(stated, default=0)


def check_repository(repository: ModelRepository) -> ModelSet:
    """What is installed, after a look at every file of it.

    Raises:
        InvalidModel: models, weights, parameters or the dictionary are missing, corrupt, or do not fit together.
    """
    for model in sorted(set(ENDPOINTS) - set(repository.models())):
        raise InvalidModel(f"{repository.path} is not the model repository: it has no {model}/{CONFIG}")
    return check_installed(repository)
