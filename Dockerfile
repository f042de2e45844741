# The exporter as an image. docker-compose.yml shows how it is run: root file system read-only, no capabilities.
FROM python:3.11.13-slim-bookworm AS build

WORKDIR /build
# Every file is checked against the lock here, and from here on nothing is fetched. The lock holds the tools of development too;
# what the exporter itself needs is chosen from the wheels below.
COPY requirements.lock .
RUN pip download --no-deps --require-hashes --only-binary=:all: --requirement=requirements.lock --dest=/wheels
COPY pyproject.toml README.md LICENSE ./
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

# By number, so that an orchestrator can see that it is not root.
USER 10001:10001
# The only place that is written: set state.path to a file here.
VOLUME /var/lib/resource-exporter
WORKDIR /var/lib/resource-exporter
EXPOSE 9877
# Whether the process lives. A ledger that is down is no reason to restart it.
HEALTHCHECK --interval=15s --timeout=3s --start-period=30s \
    CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:9877/-/healthy', timeout=2)"]
ENTRYPOINT ["resource-exporter"]
CMD ["serve", "--config.file=/etc/resource-exporter/config.yml"]
