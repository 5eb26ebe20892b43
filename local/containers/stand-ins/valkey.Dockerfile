FROM stand-in-services
WORKDIR /data
EXPOSE 6379
CMD ["valkey-server"]
