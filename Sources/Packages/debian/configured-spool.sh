# The folder that `spool:` of the configuration names, if that is one absolute path in a line, with or
# without quotes and indentation.
configured_spool() {
    tr -d '\r' 2>/dev/null </etc/delve-webhook/config.yaml |
        sed -n "s|^[[:blank:]{]*[\"']\{0,1\}spool[\"']\{0,1\}[[:blank:]]*:[[:blank:]]*\([\"']\{0,1\}\)\(/[^\"'#,]*[^\"'#,[:blank:]]\)\1[[:blank:]]*\([,#].*\)\{0,1\}\$|\2|p" ||
        true
}
