#!/bin/sh
# nginx looks up the names of its upstreams once, when it reads its configuration, and refuses one with a name that
# nobody has. Containers come and go, with other addresses and in other numbers (--scale); so this looks again every
# few seconds, and lets nginx read anew when something changed. A service without a container is answered for by 502.
set -eu

directory=/tmp/gateway
upstreams=$(env | sed -n 's/^\([A-Z]*_UPSTREAM\)=.*/\1/p')
nobody=127.0.0.1:9

addresses_of() {
    getent ahostsv4 "${1%:*}" | cut -d ' ' -f 1 | sort -u
}

addresses() {
    for name in $upstreams; do
        eval "upstream=\$$name"
        echo "$name $(addresses_of "$upstream" | tr '\n' ' ')"
    done
}

# In a subshell, so that a stand-in for an absent service is forgotten the next time.
render() (
    for name in $upstreams; do
        eval "upstream=\$$name"
        [ -n "$(addresses_of "$upstream")" ] || export "$name=$nobody"
    done
    envsubst "$(env | sed -nE 's/^(GATEWAY_[A-Z_]+|[A-Z]+_UPSTREAM)=.*/${\1}/p')" < /gateway/nginx.conf.template > "$directory/gateway.conf"
)

follow() {
    known=$1
    while sleep 3; do
        found=$(addresses)
        [ "$found" = "$known" ] && continue
        render && nginx -e stderr -c /gateway/main.conf -s reload && known=$found
    done
}

mkdir -p "$directory"
before=$(addresses)
render
follow "$before" &
exec nginx -e stderr -c /gateway/main.conf -g 'daemon off;'
