#!/bin/sh
# Installs what some tests need beyond Python packages, where that is possible: EGL with Mesa's
# software rasterizer for the moderngl renderer, the real pedestrians of vtest.avi, and a PostgreSQL
# server and Chromium for the annotator.
# Elsewhere it says which tests will be skipped and why; it never fails.
set -eu

MISSING=''
for package in libegl1 libgl1-mesa-dri libgles2 opencv-doc postgresql chromium; do
    if ! dpkg-query --show --showformat='${Status}' "$package" 2>/dev/null | grep -q ' installed$'; then
        MISSING="$MISSING $package"
    fi
done
[ -n "$MISSING" ] || exit 0

skipped() {
    echo "not installed:$MISSING ($1)"
    echo 'tests of the moderngl renderer (EGL), of pedestrians (vtest.avi) and of the annotator with'
    echo 'PostgreSQL or in a browser (Chromium) may be skipped'
    exit 0
}

command -v apt-get >/dev/null || skipped 'there is no apt-get here'
if [ "$(id -u)" = 0 ]; then
    as_root=''
elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
    as_root='sudo -n'
else
    skipped 'neither root nor sudo without a password'
fi

echo "installing Debian packages:$MISSING"
# Slim container images leave out /usr/share/doc, where opencv-doc keeps vtest.avi.
apt_install() {
    # shellcheck disable=SC2086
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get install --yes --quiet --no-install-recommends \
        -o Dpkg::Options::='--path-include=/usr/share/doc/opencv-doc/*' $MISSING
}
apt_install >/dev/null 2>&1 || { $as_root apt-get update --quiet >/dev/null 2>&1 && apt_install >/dev/null; } \
    || skipped 'apt-get could not install them'
