#!/bin/sh
# scripts/nginx-site.sh [--whole] [FILE]
#
# Prints the site for nginx by the settings in FILE (/etc/yufu/nginx.env unless given): lines
# KEY=VALUE, # begins a comment. docs/nginx.md tells what there is. --whole prints the settings of
# an nginx of its own around it, as the demo and the tests use it.
set -eu

root=$(CDPATH="" cd -- "$(dirname -- "$0")/.." && pwd)
top=site.conf.in
if [ "${1:-}" = --whole ]; then
	top=main.conf.in
	shift
fi
file=${1:-/etc/yufu/nginx.env}

exec awk -v templates="${YUFU_NGINX_TEMPLATES:-$root/nginx}" -v top="$top" -v file="$file" '
function fail(text) {
	print "nginx-site: " text >"/dev/stderr"
	failed = 1
	exit 1
}

# Values stand in a settings file of nginx as they are: no quotes, no blocks, no variables.
function take(line, number,    eq, key, value) {
	eq = index(line, "=")
	key = substr(line, 1, eq - 1)
	value = substr(line, eq + 1)
	sub(/[ \t]+$/, "", value)
	if (eq < 2 || !(key in known)) fail(file ":" number ": there is no setting \"" key "\"")
	if (value ~ /[;{}"\047\\$#`]/) fail(file ":" number ": " key " has a character that nginx would read as its own")
	if (known[key] == "one" && value ~ / /) fail(file ":" number ": " key " is one word")
	v[key] = value
}

function number_or_fail(key) {
	if (v[key] !~ /^[0-9]*$/) fail(file ": " key " is a number")
}

function check(    k) {
	if (v["BASE"] != "") {
		if (v["BASE"] !~ /^https:\/\/[A-Za-z0-9.-]+(:[0-9]+)?$/) fail(file ": BASE is https:// and a name; a path goes into PREFIX")
		v["SERVER_NAME"] = v["BASE"]
		sub(/^https:\/\//, "", v["SERVER_NAME"])
		sub(/:[0-9]+$/, "", v["SERVER_NAME"])
		for (k in tls) if (v[k] == "") fail(file ": " k " is missing")
	} else if (v["LISTEN_PLAIN"] == "")
		fail(file ": BASE is missing, https:// and the name of the site")
	else {
		v["LISTEN_TLS"] = v["LISTEN_HTTP"] = ""
		if (v["LISTEN_PLAIN"] !~ /^(127\.0\.0\.1|\[::1\]):[0-9]+$/) fail(file ": LISTEN_PLAIN is 127.0.0.1:PORT: without TLS only this machine is served")
	}
	if (v["OCSP_CHAIN"] != "" && v["OCSP_RESOLVER"] == "") fail(file ": OCSP_RESOLVER is missing, the address of a name server")
	number_or_fail("HSTS_SECONDS")
	number_or_fail("SANDBOX_PORT")
	if (v["PREFIX"] !~ /^(\/[A-Za-z0-9_-]+)*$/ || v["PREFIX"] ~ /\/staff$/) fail(file ": PREFIX is a path as /yufu, not ending in /staff")
	if (v["HSTS_SECONDS"] == "0") v["HSTS_SECONDS"] = ""
	if (v["SANDBOX_PORT"] != "" && v["BASE"] != "") fail(file ": SANDBOX_PORT is for LISTEN_PLAIN alone")
}

function filled(line, here,    word) {
	while (match(line, /@[A-Z_]+@/)) {
		word = substr(line, RSTART + 1, RLENGTH - 2)
		if (!(word in v)) fail(here " asks for " word)
		line = substr(line, 1, RSTART - 1) v[word] substr(line, RSTART + RLENGTH)
	}
	return line
}

# Prints a template; @if, @unless … @end may be nested.
function emit(name, indent,    here, line, depth, skip, text, words, n, i, one) {
	here = templates "/" name
	depth = skip = 0
	while ((n = (getline line <here)) > 0) {
		text = line
		sub(/^[ \t]+/, "", text)
		if (text ~ /^@(if|unless) /) {
			depth++
			split(text, words, " ")
			if (!skip && (v[words[2]] == "") == (words[1] == "@if")) skip = depth
		} else if (text == "@end") {
			if (skip == depth) skip = 0
			depth--
		} else if (skip)
			continue
		else if (text ~ /^@include /) {
			split(text, words, " ")
			emit(words[2], indent substr(line, 1, length(line) - length(text)))
		} else if (text ~ /^@each /) {
			i = index(text, " ")
			one = substr(text, i + 1)
			i = index(one, " ")
			n = split(v[substr(one, 1, i - 1)], words, /[ ,]+/)
			one = substr(one, i + 1)
			for (i = 1; i <= n; i++) {
				text = one
				sub(/@1@/, words[i], text)
				print indent substr(line, 1, match(line, /[^ \t]/) - 1) text
			}
		} else
			print (line == "" ? "" : indent filled(line, here))
	}
	if (n < 0) fail("there is no " here)
	close(here)
}

BEGIN {
	n = split("BASE CERTIFICATE CERTIFICATE_KEY WWW API_SOCKET LOG ACME_ROOT OCSP_CHAIN HSTS_SECONDS LISTEN_PLAIN SANDBOX_PORT PREFIX USER RUN", list, " ")
	for (i = 1; i <= n; i++) known[list[i]] = "one"
	n = split("LISTEN_TLS LISTEN_HTTP TRUSTED_PROXIES OCSP_RESOLVER", list, " ")
	for (i = 1; i <= n; i++) known[list[i]] = "many"
	for (k in known) v[k] = ""
	tls["CERTIFICATE"] = tls["CERTIFICATE_KEY"] = tls["LISTEN_TLS"] = 1
	v["LISTEN_TLS"] = "443 [::]:443"
	v["LISTEN_HTTP"] = "80 [::]:80"
	v["WWW"] = "/usr/share/yufu/www"
	v["API_SOCKET"] = "/run/yufu/api.sock"
	v["LOG"] = "/var/log/nginx/yufu.log"
	v["ACME_ROOT"] = "/var/lib/yufu/acme"
	v["HSTS_SECONDS"] = "63072000"
	v["SERVER_NAME"] = ""
	while ((n = (getline line <file)) > 0) {
		lines++
		if (line !~ /^[ \t]*(#|$)/) take(line, lines)
	}
	if (n < 0) fail("there is no " file)
	check()
	if (top == "main.conf.in" && v["RUN"] == "") fail(file ": RUN is missing, a folder of the own nginx")
	emit(top, "")
	exit failed
}' </dev/null
