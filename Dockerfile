# The stock Triton server with this project's models and their code.
#   docker build --tag triton-paddleocr .
#   docker run --rm --shm-size 4g --publish 127.0.0.1:8000:8000 triton-paddleocr
#   docker run --rm --entrypoint ocr-gateway ... triton-paddleocr --triton-url HOST:8001 --address 0.0.0.0
# Build arguments: MODEL_SET (ocr-convert --list names them and the default) and TRITON_VERSION. Triton before 26.07 has known holes.
ARG TRITON_VERSION=26.07

# Stage 1 converts the models. Paddle, paddle2onnx and the build tools stay behind in it.
# Python 3.11: paddle2onnx and tritonclient ask for two packages that have no wheels for 3.12.
FROM python:3.11-slim-bookworm AS convert
ARG MODEL_SET
WORKDIR /build
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends libgomp1 \
    && rm -rf /var/lib/apt/lists/*
COPY requirements-cpu.lock ./
RUN pip install --no-cache-dir --no-deps --require-hashes -r requirements-cpu.lock
COPY LICENSE README.md pyproject.toml ./
COPY python_backends python_backends/
COPY server server/
COPY convert convert/
COPY documents documents/
COPY clients clients/
COPY gateway gateway/
COPY jobs jobs/
COPY model_repository model_repository/
RUN pip wheel --no-cache-dir --no-deps --no-build-isolation --wheel-dir /wheels ./clients . \
    && pip install --no-cache-dir --no-deps /wheels/*.whl
# Readable for the user that the server runs as.
RUN ocr-convert ${MODEL_SET:+--model-set "${MODEL_SET}"} --model-repository model_repository \
    && chmod -R a+rX model_repository

# Stage 2 is what runs. The packages go into the image's own Python, where Triton's Python stubs look for them.
FROM nvcr.io/nvidia/tritonserver:${TRITON_VERSION}-py3
LABEL org.opencontainers.image.title="triton-paddleocr" \
      org.opencontainers.image.description="PaddleOCR served by NVIDIA Triton Inference Server" \
      org.opencontainers.image.licenses="Apache-2.0"
RUN --mount=type=bind,source=requirements-container.lock,target=/mnt/requirements-container.lock \
    --mount=type=bind,from=convert,source=/wheels,target=/mnt/wheels \
    python3 -m pip install --no-cache-dir --break-system-packages --no-deps --require-hashes \
        -r /mnt/requirements-container.lock \
    && python3 -m pip install --no-cache-dir --break-system-packages --no-deps /mnt/wheels/*.whl
WORKDIR /opt/ocr
# The weights are links inside this folder, and COPY keeps them.
COPY --from=convert /build/model_repository model_repository/
# The image's own user triton-server.
USER 1000:1000
# 8000 HTTP, 8001 gRPC, 8002 metrics.
EXPOSE 8000 8001 8002
# A picture, read by every step: Triton goes on calling itself ready when a Python step has died.
HEALTHCHECK --interval=30s --timeout=20s --start-period=120s --retries=3 CMD ["ocr-serve", "probe", "--timeout", "15"]
# Options after the image's name replace CMD alone, so the address stays.
ENTRYPOINT ["ocr-serve", "--model-repository", "/opt/ocr/model_repository", "--address", "0.0.0.0"]
CMD ["--device", "auto"]
