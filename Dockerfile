# A simulated Agora or Tencent RTC for tests in any language:
#
#   docker build -t agora-tencent-simulator .
#   docker run --rm -p 8080:8080 agora-tencent-simulator --vendor agora
#
# The first line of its output tells base URL, credentials and the range in which the calls lie.
FROM python:3.13-slim AS build
COPY . /source
RUN pip wheel --no-cache-dir --wheel-dir /wheels /source

FROM python:3.13-slim
RUN --mount=type=bind,from=build,source=/wheels,target=/wheels \
    pip install --no-cache-dir /wheels/*.whl && useradd --create-home simulator
USER simulator
EXPOSE 8080
ENTRYPOINT ["agora-tencent-analytics", "simulate", "--host", "0.0.0.0", "--port", "8080"]
CMD ["--vendor", "agora"]
