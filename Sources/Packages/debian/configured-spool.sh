# The folder that `spool:` of the configuration names, if that is one absolute path in a line.
configured_spool() {
    sed -n "s|^spool:[[:blank:]]*\([\"']\{0,1\}\)\(/[^\"'#]*[^\"'#[:blank:]]\)\1[[:blank:]]*\(#.*\)\{0,1\}\$|\2|p" \
        /etc/delve-webhook/config.yaml 2>/dev/null || true
}
