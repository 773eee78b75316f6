#!/usr/bin/env bash
# Makes a directory from which the image is built, and says how:
#
#   deploy/docker/stage.sh            # builds the binary
#   deploy/docker/stage.sh BINARY DIR # takes one that is static already
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

binary=${1:-bin/alwrity-sub}
dir=${2:-bin/image}
[ $# -gt 0 ] || make static
mkdir -p "$dir/data"
cp deploy/docker/Dockerfile "$dir/"
install -m 755 "$binary" "$dir/alwrity-sub"
for bundle in /etc/ssl/certs/ca-certificates.crt /etc/pki/tls/certs/ca-bundle.crt /etc/ssl/cert.pem; do
	if [ -r "$bundle" ]; then
		install -m 644 "$bundle" "$dir/ca-certificates.crt"
		break
	fi
done
if [ ! -s "$dir/ca-certificates.crt" ]; then
	echo "no certificates of authorities found: install the package ca-certificates" >&2
	exit 1
fi
echo "docker build -t alwrity-sub $dir    # or: buildah build -t alwrity-sub $dir"
