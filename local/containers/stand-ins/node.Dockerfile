FROM debian:bookworm-slim
COPY node /usr/local/bin/
COPY ca-certificates.crt /etc/ssl/certs/
ADD npm.tgz /usr/local/lib/node_modules/
RUN cd /usr/local/lib/node_modules && mv package npm && chmod +x npm/bin/*.js \
    && ln -s ../lib/node_modules/npm/bin/npm-cli.js /usr/local/bin/npm \
    && mkdir -p /usr/local/etc && echo cafile=/etc/ssl/certs/ca-certificates.crt > /usr/local/etc/npmrc \
    && groupadd -g 1000 node && useradd -u 1000 -g node -m -s /bin/bash node
CMD ["node"]
