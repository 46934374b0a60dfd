# Two images from one file: `web` without any GPU library, and `full` with torch and vLLM.
# docker-compose.yml says which process runs in which.

FROM node:24-slim AS page
WORKDIR /build
COPY frontend/package.json frontend/package-lock.json ./
RUN npm ci --ignore-scripts --no-fund --no-audit
COPY frontend/ ./
RUN npm run build

FROM python:3.11-slim AS python
ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PATH=/opt/danas/.venv/bin:$PATH \
    DJANGO_SETTINGS_MODULE=assistant.settings DANAS_HOME=/data
RUN useradd --create-home --uid 10001 danas && install -d -o danas -g danas /data
WORKDIR /opt/danas

# What a process of the website needs.
FROM python AS web-packages
COPY pyproject.toml ./
COPY requirements/ requirements/
RUN python -m venv .venv && DANAS_PACKAGES=web python requirements/packages.py install

# What the engine, the reward model and the learner need: `cpu` or `cuda`.
FROM python AS full-packages
ARG PACKAGES=cpu
COPY pyproject.toml ./
COPY requirements/ requirements/
RUN python -m venv .venv && DANAS_PACKAGES=${PACKAGES} python requirements/packages.py install

FROM python AS source
COPY manage.py pyproject.toml ./
COPY assistant/ assistant/
COPY learning/ learning/
COPY inference/ inference/
COPY --from=page /build/dist frontend/dist

FROM source AS web
COPY --from=web-packages /opt/danas/.venv .venv
USER danas

FROM source AS full
COPY --from=full-packages /opt/danas/.venv .venv
USER danas
