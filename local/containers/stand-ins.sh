#!/usr/bin/env bash
# stand-ins.sh up|down FOLDER: a Docker engine, compose and stand-in images, where there is no engine or no registry can
# be reached. Needs Debian 12, root, and npm's and Debian's mirrors. `up` leaves FOLDER/env to be sourced; `down` ends
# the engine, puts the host's forwarding rules back, and removes FOLDER. Nothing is installed: packages are unpacked.
#
# Under the names of the official images node:26-bookworm-slim, postgres:18, valkey/valkey:9 and haproxy:3.2 there is the
# same software, as Debian and npm build it; under that of softwaremill/elasticmq-native:1.6.16 another emulator of SQS.
# That tests our Dockerfile and compose files, not the official images.
set -euo pipefail
action=$1 folder=$2
here=$(cd "$(dirname "$0")" && pwd)
node=$here/../../node_modules/.bin/node
mkdir -p "$folder"
cd "$folder"
root=$folder/root
libraries=usr/lib/$(uname -m)-linux-gnu
# What the machine has installed is not unpacked, and is found in its place.
cat > env <<EOF
export DOCKER_HOST=unix://$folder/docker.sock DOCKER_CONFIG=$folder/config DOCKER_BUILDKIT=1
export PATH=$root/usr/bin:$root/usr/sbin:$root/sbin:/usr/bin:/usr/sbin:\$PATH
export LD_LIBRARY_PATH=$root/$libraries:$root/${libraries#usr/}
export XTABLES_LIBDIR=$root/$libraries/xtables:/$libraries/xtables PERL5LIB=$root/usr/share/perl5
EOF
. ./env

say() { echo "stand-ins, ${SECONDS} s: $*"; }

# The kernel's rules of forwarding, without what is counted; a table that is not there yet is one without rules.
forwarding_rules() {
  local table
  for table in filter nat; do
    if [ -n "$(iptables-save -t $table)" ]; then
      iptables-save -t $table | sed '/^#/d; s/ \[[0-9]*:[0-9]*\]$/ [0:0]/'
    else
      echo "*$table"
      case $table in
        filter) printf ':%s ACCEPT [0:0]\n' INPUT FORWARD OUTPUT ;;
        nat) printf ':%s ACCEPT [0:0]\n' PREROUTING INPUT OUTPUT POSTROUTING ;;
      esac
      echo COMMIT
    fi
  done
}

down() {
  local left=
  if [ -s pid ]; then
    docker ps --all --quiet | xargs -r docker rm --force --volumes > /dev/null
    docker network prune --force > /dev/null
    kill "$(cat pid)" || true
    for _ in {1..50}; do kill -0 "$(cat pid)" 2> /dev/null || break; sleep 0.2; done
  fi
  ip link del docker0 2> /dev/null || true
  if [ -s rules ]; then
    iptables-restore < rules
    cat forwarding > /proc/sys/net/ipv4/ip_forward
    forwarding_rules | diff rules - || left='the rules of forwarding are not those of before'
  fi
  cd /
  rm -rf "$folder"
  [ -z "$left" ] || { say "$left"; exit 1; }
}

# An apt state of its own; `unpack SUITE FOLDER PACKAGE…` gets packages with what this machine lacks of their
# dependencies.
apt() {
  apt-get -q -o Dir::Cache="$folder/apt/cache" -o Dir::State::lists="$folder/apt/lists-$suite" -o APT::Sandbox::User= \
    -o Debug::NoLocking=1 -o Acquire::Check-Valid-Until=false -o Acquire::Languages=none "${sources[@]}" "$@"
}

engine() {
  mkdir -p apt/cache/archives/partial apt/lists-{bookworm,forky}/partial config/cli-plugins "$root"
  local suite=bookworm sources=()
  apt update > apt.log
  apt install --download-only --no-install-recommends --yes docker.io iptables iproute2 mmdebstrap >> apt.log
  # None, where all of them are installed.
  find apt/cache/archives -name '*.deb' -exec dpkg-deb -x {} "$root" ';'
  if [ ! -e "$root/usr/sbin/iptables" ] && [ -e "$root/usr/sbin/xtables-nft-multi" ]; then
    for name in iptables iptables-save iptables-restore ip6tables; do
      ln -s xtables-nft-multi "$root/usr/sbin/$name"
    done
  fi
  say 'engine unpacked'
  # Compose 2 is in no release before this one.
  sed -n '/^$/q; s/^Suites:.*/Suites: forky/; p' /etc/apt/sources.list.d/debian.sources > apt/forky.sources
  suite=forky sources=(-o Dir::Etc::sourcelist="$folder/apt/forky.sources" -o Dir::Etc::sourceparts=/dev/null)
  apt update >> apt.log
  (
    mkdir -p apt/compose
    cd apt/compose
    apt download docker-compose/forky docker-buildx/forky >> ../../apt.log
    for archive in *.deb; do dpkg-deb -x "$archive" .; done
    mv usr/libexec/docker/cli-plugins/* ../../config/cli-plugins/
  )
  say 'compose unpacked'
}

file_system() {
  mmdebstrap --quiet --variant=minbase --aptopt='Acquire::Check-Valid-Until "false"' \
    --dpkgopt=force-unsafe-io --dpkgopt='path-exclude=/usr/share/'{man,locale}'/*' "$@"
}

images() {
  local no_cluster='mkdir -p "$1/etc/postgresql-common"; echo "create_main_cluster = false" > "$1/etc/postgresql-common/createcluster.conf"'
  file_system --include=ca-certificates,libatomic1 bookworm base.tar & local base=$!
  file_system --include=postgresql-18,valkey-server,haproxy --essential-hook="$no_cluster" forky services.tar & local services=$!
  wait $base
  wait $services
  say 'file systems made'
}

start() {
  forwarding_rules > rules
  cat /proc/sys/net/ipv4/ip_forward > forwarding
  dockerd --data-root "$folder/data" --exec-root "$folder/exec" --pidfile "$folder/docker.pid" \
    --host "$DOCKER_HOST" > dockerd.log 2>&1 &
  echo $! > pid
  for _ in {1..100}; do docker version > /dev/null 2>&1 && break; sleep 0.2; done
  docker version --format 'engine {{.Server.Version}}' || { tail dockerd.log; exit 1; }
}

build() {
  docker import --change 'CMD ["bash"]' base.tar debian:bookworm-slim > /dev/null
  docker import services.tar stand-in-services > /dev/null
  mkdir context
  cp "$here"/stand-ins/* context/
  cp -L "$node" context/node
  cp /etc/ssl/certs/ca-certificates.crt context/
  (cd context && npm pack --silent npm@11 > /dev/null && mv npm-*.tgz npm.tgz)
  local fauxqs
  fauxqs=$(sed -n 's/.*"fauxqs": "\(.*\)".*/\1/p' "$here/../../package.json")
  for image in node:26-bookworm-slim postgres:18 valkey/valkey:9 haproxy:3.2 softwaremill/elasticmq-native:1.6.16; do
    name=${image##*/}
    docker build --quiet --file "context/${name%%:*}.Dockerfile" --tag "$image" --build-arg "FAUXQS=$fauxqs" context \
      > /dev/null
  done
  rm -rf base.tar services.tar apt context
  say 'images built'
}

case $action in
  up) engine; images; start; build ;;
  down) down ;;
esac
