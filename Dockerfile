# The image of the exporter. docker-compose.yml shows how to run it: with a read-only root file system and no capabilities.
# The tag of the base may move when Debian fixes a library. To pin its content, append the digest that
# `docker buildx imagetools inspect` prints: --build-arg BASE=python:3.11.13-slim-bookworm@sha256:…
ARG BASE=python:3.11.13-slim-bookworm

FROM ${BASE} AS build

ENV PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_ROOT_USER_ACTION=ignore
WORKDIR /build
# All files are downloaded here and checked against the lock; later steps download nothing. The lock includes development tools;
# the last step installs only what the exporter needs.
COPY requirements.lock .
RUN pip download --no-deps --require-hashes --only-binary=:all: --requirement=requirements.lock --dest=/wheels
COPY pyproject.toml hatch_build.py README.md LICENSE ./
COPY exporter exporter
# The root file system is read-only, so bytecode is compiled here. It must not depend on the times of files or on the seed of
# hashes: two builds of one commit have the same digest.
RUN pip wheel --no-index --find-links=/wheels --no-deps --wheel-dir=/wheels . \
    && python -m venv --without-pip /opt/resource-exporter \
    && pip --python=/opt/resource-exporter/bin/python install --no-compile --no-index --find-links=/wheels resource-exporter \
    && PYTHONHASHSEED=0 /opt/resource-exporter/bin/python -m compileall -q --invalidation-mode=unchecked-hash \
        /opt/resource-exporter/lib


FROM ${BASE}

ENV PATH=/opt/resource-exporter/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1

# Not useradd, which writes the date into /etc/shadow. Nothing is installed after the build, so pip is removed.
RUN echo exporter:x:10001: >>/etc/group \
    && echo exporter:x:10001:10001::/var/lib/resource-exporter:/usr/sbin/nologin >>/etc/passwd \
    && install --directory --owner=10001 --group=10001 /var/lib/resource-exporter \
    && pip --no-cache-dir uninstall --quiet --yes --root-user-action=ignore pip setuptools wheel
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

ARG REVISION=unknown
ENV RESOURCE_EXPORTER_REVISION=$REVISION
LABEL org.opencontainers.image.title="Resource Exporter" \
      org.opencontainers.image.description="Budgets, spend and impact of AI agents, from PostgreSQL ledgers to Prometheus and Grafana." \
      org.opencontainers.image.licenses=Apache-2.0 \
      org.opencontainers.image.version=0.1.0 \
      org.opencontainers.image.revision=$REVISION
