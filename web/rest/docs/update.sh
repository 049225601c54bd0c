#!/bin/sh
# Fetches another version of swagger-ui: docs/update.sh 5.35.0
set -eu
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
npm pack --silent --pack-destination "$work" "swagger-ui-dist@$1" >/dev/null
tar -xzf "$work"/swagger-ui-dist-*.tgz -C "$work"
for file in swagger-ui.css swagger-ui-bundle.js; do
	sed '/^\/[\/*]# sourceMappingURL/d' "$work/package/$file" | gzip -9n >"$file.gz"
done
cp "$work/package/LICENSE" swagger-ui.LICENSE
cp "$work/package/NOTICE" swagger-ui.NOTICE
cp "$work/package/swagger-ui-bundle.js.LICENSE.txt" swagger-ui-bundle.LICENSE
