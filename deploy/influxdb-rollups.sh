#!/bin/sh
# Run once by InfluxDB's container, when it sets itself up: the bucket of the rollups, beside that
# of the readings, keeps what it has for ever.
exec influx bucket create --org "$DOCKER_INFLUXDB_INIT_ORG" \
    --name "${DOCKER_INFLUXDB_INIT_BUCKET}_rollups" --retention 0
