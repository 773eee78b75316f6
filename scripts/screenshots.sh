#!/usr/bin/env bash
# Shows the pages and PDFs of the tests as pictures, for people who change them:
#
#   scripts/screenshots.sh              into a new directory, which it prints
#   scripts/screenshots.sh shots/       into this one
#   scripts/screenshots.sh shots/ a.html b.pdf     of other files
#
# Of each page there are several: light, dark, as on a phone, and each sheet that it is
# printed on. It needs chromium, and pdftoppm (poppler-utils).
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

say() { printf 'screenshots.sh: %s\n' "$*" >&2; }

browser=$(command -v chromium || command -v chromium-browser || command -v google-chrome || true)
if [ -z "$browser" ] || ! command -v pdftoppm >/dev/null; then
	say "chromium and pdftoppm are needed: apt-get install chromium poppler-utils"
	exit 1
fi

out=${1:-$(mktemp -d)}
mkdir -p "$out"
out=$(cd "$out" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

files=("${@:2}")
if [ ${#files[@]} -eq 0 ]; then
	(cd "$root" && ALWRITY_PAGES=$work go test -count=1 -run 'TestPages|PDF' ./report >/dev/null)
	files=("$work"/*.html "$work"/statement-*.pdf)
fi

chrome() { # as root it runs without its sandbox: the pages are our own
	"$browser" --headless=new --disable-gpu --hide-scrollbars --no-first-run $([ "$(id -u)" -ne 0 ] || echo --no-sandbox) \
		--user-data-dir="$work/profile" "$@" >/dev/null 2>&1
}

# A window is never narrower than 500 pixels, so a phone is a frame of 375 in it.
shots() {
	local page=$1 name=$2
	chrome --window-size=1100,3000 --screenshot="$out/$name-light.png" "file://$page"
	chrome --window-size=1100,3000 --blink-settings=preferredColorScheme=0 --screenshot="$out/$name-dark.png" "file://$page"
	printf '<body style="margin:0"><iframe src="file://%s" style="width:375px;height:3000px;border:0"></iframe>' "$page" >"$work/phone.html"
	chrome --window-size=500,3000 --allow-file-access-from-files --screenshot="$out/$name-phone.png" "file://$work/phone.html"
	chrome --no-pdf-header-footer --print-to-pdf="$work/print.pdf" "file://$page"
	pdftoppm -r 80 -png "$work/print.pdf" "$out/$name-print"
}

for file in "${files[@]}"; do
	file=$(realpath "$file")
	name=$(basename "${file%.*}")
	case $file in
	*.pdf) pdftoppm -r 80 -png "$file" "$out/$name" ;;
	*) shots "$file" "$name" ;;
	esac
done
say "$(find "$out" -name '*.png' | wc -l) pictures in $out"
