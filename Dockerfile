# One image for every process of production: web, live, worker, beat and the migration.
FROM python:3.13-slim AS build
WORKDIR /app
COPY requirements-production.lock .
RUN python -m venv /venv && /venv/bin/pip install --no-cache-dir --require-hashes -r requirements-production.lock
COPY . .
# Nothing is connected to while static files are collected; the values only have to be well-formed.
RUN SECRET_KEY=build FIELD_KEYS=build:QkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkI= \
    BLIND_INDEX_KEY=QkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkI= \
    DATABASE_URL=postgres://build@build/build DATABASE_POOL=0 REDIS_URL=redis://build/0 \
    /venv/bin/python manage.py collectstatic --noinput

FROM python:3.13-slim
RUN useradd --system --uid 10001 --home-dir /app frontdesk
WORKDIR /app
COPY --from=build /venv /venv
COPY --from=build /app /app
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 FRONTDESK_MODE=production DJANGO_SETTINGS_MODULE=frontdesk.settings
USER frontdesk
EXPOSE 8000
CMD ["granian", "--interface", "wsgi", "--host", "0.0.0.0", "--port", "8000", "--workers", "2", "--no-access-log", "frontdesk.wsgi:application"]
