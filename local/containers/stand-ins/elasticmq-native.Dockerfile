FROM node:26-bookworm-slim
ARG FAUXQS
WORKDIR /opt/elasticmq
RUN npm install --no-audit --no-fund "fauxqs@$FAUXQS"
COPY elasticmq.mjs elasticmq-entrypoint ./
EXPOSE 9324
VOLUME /data
ENTRYPOINT ["/bin/bash", "/opt/elasticmq/elasticmq-entrypoint"]
