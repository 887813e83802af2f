#!/bin/sh
# Makes what deploy/compose.yaml and deploy/kubernetes ask for: one env file for each service, with its own secrets and nobody else's.
#   sh deploy/make-secrets.sh [folder]      default: deploy/secrets, which git ignores
# It never overwrites. In the root of a checkout, after `npm run -s node -- --version`.
set -eu
folder=${1:-deploy/secrets}
umask 077
mkdir -p "$folder"

for file in postgres redis auth-service api-gateway user-service payment-service notification-service; do
  if [ -e "$folder/$file.env" ]; then
    echo "$folder/$file.env exists: nothing was made" >&2
    exit 1
  fi
done

key() { printf '1:%s' "$(openssl rand -base64 32 | tr '+/' '-_' | tr -d '=\n')"; } # kid:base64url
text() { openssl rand -hex 32; }
sallyport() { npm run -s sallyport -- "$@"; }

root=$(key) csrf=$(key) master=$(key) jwt=$(text) plain=$(text) inbox=$(text) postgres=$(text) redis=$(text)
assertion() { SALLYPORT_PRESET=microservices GATEWAY_MASTER_KEYS=$master sallyport gateway key "$1"; }
feed=$(SALLYPORT_ROOT_KEYS=$root sallyport keys feed api-gateway)

write() { cat > "$folder/$1.env"; }
write postgres << END
POSTGRES_PASSWORD=$postgres
END
write redis << END
REDIS_PASSWORD=$redis
REDISCLI_AUTH=$redis
END
# In clear: Compose's network of the stores is this machine's own and leads nowhere else. The issuer warns of it at its start.
write auth-service << END
DATABASE_URL=postgres://sallyport:$postgres@postgres:5432/auth_db?sslmode=disable
SALLYPORT_ROOT_KEYS=$root
CSRF_KEYS=$csrf
JWT_SECRET=$jwt
GATEWAY_ASSERTION_KEYS=$(assertion auth-service)
END
write api-gateway << END
REDIS_URL=redis://:$redis@redis:6379
CSRF_KEYS=$csrf
JWT_SECRET=$jwt
GATEWAY_MASTER_KEYS=$master
GATEWAY_SECRET=$plain
REVOCATION_FEED_TOKEN=$feed
END
write user-service << END
GATEWAY_ASSERTION_KEYS=$(assertion user-service)
END
write payment-service << END
GATEWAY_ASSERTION_KEYS=$(assertion payment-service)
NOTIFICATION_TOKEN=$inbox
END
write notification-service << END
GATEWAY_ASSERTION_KEYS=$(assertion notification-service)
NOTIFICATION_TOKEN=$inbox
END
echo "made $folder/*.env; keep a copy of auth-service.env: without SALLYPORT_ROOT_KEYS every session is lost" >&2
