# Dunnage as one image, for any of its commands: `docker run … dunnage worker`.

FROM python:3.12-slim AS build
# pip's own settings, where another index is wanted: --build-arg PIP_INDEX_URL=…
ARG PIP_INDEX_URL
ARG PIP_EXTRA_INDEX_URL
ARG PIP_TRUSTED_HOST
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /src
COPY . .
# A wheel first: what runs is what is packaged, not this folder.
RUN pip wheel --no-deps --wheel-dir /wheels . \
    && python -m venv /opt/dunnage \
    && /opt/dunnage/bin/pip install -c constraints.txt /wheels/*.whl

FROM python:3.12-slim
# Numbers of our own, the same on every machine, so that a volume's files keep their owner.
RUN groupadd --gid 10001 dunnage \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /data dunnage \
    && install --directory --owner dunnage --group dunnage --mode 0700 /data
COPY --from=build /opt/dunnage /opt/dunnage
ENV PATH=/opt/dunnage/bin:$PATH PYTHONUNBUFFERED=1 DUNNAGE_DATA=/data
USER dunnage
# The journal: until a reading is stored it is here and nowhere else. A dunnage.toml may lie here.
WORKDIR /data
VOLUME /data
# 8080: the API; 8081: a worker's /healthz, /readyz and /metrics. Which of them answers depends on
# the command, so the health checks are in docker-compose.yml.
EXPOSE 8080 8081
ENTRYPOINT ["dunnage"]
CMD ["--help"]
