# Sourced by run and setup: a scratch root, an overlay of this machine's root with namespaces of its
# own. Nothing outside is changed. In place of the package, the built programs and their files are
# laid out below /usr/local, as the archive has them.

# enter_scratch_root SCRIPT PROGRAMS PUBLIC_KEY PRIVATE_KEY ARGUMENTS…: runs SCRIPT again in a scratch
# root, and returns there. The working folder has the repository's files, `public` and `private` are
# the key files, and the arguments are in `arguments`.
enter_scratch_root() {
  local script=$1 programs=$2
  public=$3 private=$4
  shift 4
  case ${SCRATCH_ROOT-} in
    '')
      exec unshare --mount --net --pid --ipc --uts --fork --kill-child \
        env SCRATCH_ROOT=mounting bash "$script" "$programs" "$public" "$private" "$@"
      ;;
    mounting) mount_scratch_root "$script" "$programs" "$@" ;;
  esac
  arguments=("$@")
  cd /scratch
  umask 022
  PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
  hostname hooks.example.com
}

mount_scratch_root() {
  local script=$1 programs=$2 repository
  shift 2
  repository=$(cd "$(dirname "$script")/../.." && pwd)
  mount -t tmpfs scratch /mnt
  mkdir /mnt/{upper,work,root}
  mount -t overlay overlay -o lowerdir=/,upperdir=/mnt/upper,workdir=/mnt/work /mnt/root
  mount --rbind /dev /mnt/root/dev
  mount -t proc proc /mnt/root/proc
  # An overlay cannot hold a spool. The commands must not reach anything of the real /run.
  for folder in run tmp srv var/spool; do mount -t tmpfs scratch "/mnt/root/$folder"; done
  mkdir -m 1777 /mnt/root/run/lock
  ip link set lo up
  # The arguments of this script, and the repository, may lie below /tmp.
  install -D -m 0755 -t /mnt/root/scratch/.build/release "$programs"/delve-webhook{,-fcgi,-forward}
  cp -r "$repository"/{README.md,Sources,nginx,apache} /mnt/root/scratch/
  install -D -t /mnt/root/scratch/Tests/Installation "$repository"/Tests/Installation/*
  install -D -t /mnt/root/scratch/Tests/Scripts "$repository"/Tests/Scripts/block
  cp "$public" /mnt/root/scratch/public.pem
  cp "$private" /mnt/root/scratch/private.pem
  exec chroot /mnt/root env SCRATCH_ROOT=/ bash "/scratch/Tests/Installation/${script##*/}" \
    - /scratch/public.pem /scratch/private.pem "$@"
}

# Lays out what the archive holds, and for nginx what the package puts into /etc.
lay_out() {
  local prefix=/usr/local
  install -D -t "$prefix/bin" .build/release/delve-webhook{,-fcgi,-forward}
  install -D -m 0644 -t "$prefix/lib/systemd/system" Sources/*/*.{service,socket,timer}
  install -D -m 0644 Sources/delve-webhook-fcgi/sysusers.conf "$prefix/lib/sysusers.d/delve-webhook.conf"
  install -D -m 0644 Sources/delve-webhook-fcgi/tmpfiles.conf "$prefix/lib/tmpfiles.d/delve-webhook.conf"
  install -D -m 0644 -t "$prefix/share/delve-webhook/nginx" nginx/*.conf
  install -D -m 0644 -t "$prefix/share/delve-webhook/apache" apache/*.conf
  printf 'include delve-webhook/%s.conf;\n' http upstream >/etc/nginx/conf.d/delve-webhook.conf
  local way
  for way in proxy fcgid cgi; do
    echo "Include delve-webhook/$way.conf" >"/etc/apache2/conf-available/delve-webhook-$way.conf"
  done
  systemd-sysusers
  systemd-tmpfiles --create "$prefix/lib/tmpfiles.d/delve-webhook.conf"
}

# start_instances NAME=KEY_FILE…: serves each key at the URL of an instance that does not exist.
start_instances() {
  local pair folder
  for pair in "$@"; do
    folder=/tmp/instance/${pair%%=*}
    install -D -m 0644 "${pair#*=}" "$folder/api/webhook.key"
    echo "127.0.0.1 ${pair%%=*}" >>/etc/hosts
  done
  make_certificate '*.delvesecurity.app' /tmp/instance
  cat >/tmp/instance/nginx.conf <<CONF
pid /tmp/instance/pid;
error_log /tmp/instance/log;
events { }
http {
    access_log off;
    server {
        listen 127.0.0.1:443 ssl;
        ssl_certificate /tmp/instance/certificate;
        ssl_certificate_key /tmp/instance/key;
        root /tmp/instance/\$host;
    }
}
CONF
  nginx -c /tmp/instance/nginx.conf
}

# make_certificate NAME FOLDER: makes a certificate that this root trusts.
make_certificate() {
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 \
    -subj "/CN=$1" -addext "subjectAltName=DNS:$1" \
    -keyout "$2/key" -out "$2/certificate" 2>/dev/null
  cat "$2/certificate" >>/etc/ssl/certs/ca-certificates.crt
}
