# The image of the exporter. docker-compose.yml shows how to run it: with a read-only root file system and no capabilities.
FROM python:3.11.13-slim-bookworm AS build

WORKDIR /build
# All files are downloaded here and checked against the lock; later steps download nothing. The lock includes development tools;
# the last step installs only what the exporter needs.
COPY requirements.lock .
RUN pip download --no-deps --require-hashes --only-binary=:all: --requirement=requirements.lock --dest=/wheels
COPY pyproject.toml hatch_build.py README.md LICENSE ./
COPY exporter exporter
RUN pip wheel --no-index --find-links=/wheels --no-deps --wheel-dir=/wheels . \
    && python -m venv --without-pip /opt/resource-exporter \
    && pip --python=/opt/resource-exporter/bin/python install --no-index --find-links=/wheels resource-exporter


FROM python:3.11.13-slim-bookworm

ARG REVISION=unknown
ENV PATH=/opt/resource-exporter/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    RESOURCE_EXPORTER_REVISION=$REVISION

RUN groupadd --system --gid=10001 exporter \
    && useradd --system --uid=10001 --gid=exporter --home-dir=/var/lib/resource-exporter --no-create-home exporter \
    && install --directory --owner=exporter --group=exporter /var/lib/resource-exporter
COPY --from=build /opt/resource-exporter /opt/resource-exporter

# A numeric user, so that an orchestrator can verify that it is not root.
USER 10001:10001
# The only writable directory: set state.path to a file in it.
VOLUME /var/lib/resource-exporter
WORKDIR /var/lib/resource-exporter
EXPOSE 9877
# Checks the process only. A ledger that is down is no reason to restart it.
HEALTHCHECK --interval=15s --timeout=3s --start-period=30s \
    CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:9877/-/healthy', timeout=2)"]
ENTRYPOINT ["resource-exporter"]
CMD ["serve", "--config.file=/etc/resource-exporter/config.yml"]
