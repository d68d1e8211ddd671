# Sourced by fetch and by scripts/bare-root: where this machine gets its packages from. No address of an
# archive is written in this repository.

# host_sources: prints "URI SUITE KEY" for each source of $codename in /etc/apt; KEY may be empty.
host_sources() {
  local f
  for f in /etc/apt/sources.list.d/*.sources; do
    [ -e "$f" ] || continue
    awk -v code="$codename" '
      function flush(  i, j, nu, ns, u, s) {
        nu = split(uris, u, " "); ns = split(suites, s, " ")
        for (i = 1; i <= nu; i++) for (j = 1; j <= ns; j++)
          if (index(s[j], code) == 1 && off == 0) print u[i], s[j], key
        uris = ""; suites = ""; key = ""; off = 0
      }
      /^[ \t]*$/ { flush(); next }
      /^#/ { next }
      tolower($1) == "uris:" { $1 = ""; uris = $0 }
      tolower($1) == "suites:" { $1 = ""; suites = $0 }
      tolower($1) == "signed-by:" { key = $2 }
      tolower($1) == "enabled:" { if (tolower($2) == "no") off = 1 }
      END { flush() }' "$f"
  done
  for f in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
    [ -e "$f" ] || continue
    awk -v code="$codename" '$1 == "deb" {
      key = ""; i = 2
      if ($2 ~ /^\[/) { o = $0; sub(/^[^\[]*\[/, "", o); sub(/\].*/, "", o)
        n = split(o, a, " "); for (k = 1; k <= n; k++) if (a[k] ~ /^signed-by=/) key = substr(a[k], 11)
        while ($i !~ /\]$/) i++; i++ }
      if (index($(i+1), code) == 1 && / main/) print $i, $(i+1), key }' "$f"
  done
}
