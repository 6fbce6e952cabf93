//! What a server of production was set to, asked by whoever its container logs in as.

use super::ask;
use crate::observed::StoreFacts;

/// On the socket, which the images trust, and read-only; whatever is slow is given up.
pub const OUTSIDE: &str = r#"
if [ -z "$POSTGRES_PASSWORD" ] && [ -r "$POSTGRES_PASSWORD_FILE" ]; then POSTGRES_PASSWORD=$(cat "$POSTGRES_PASSWORD_FILE"); fi
export PGPASSWORD="${PGPASSWORD-$POSTGRES_PASSWORD}" PGCONNECT_TIMEOUT=5 LC_ALL=C.UTF-8
export PGOPTIONS='-c default_transaction_read_only=on -c statement_timeout=5000 -c lock_timeout=1000'
user="${POSTGRES_USER:-postgres}"
exec psql -X -q -A -t -w -v ON_ERROR_STOP=1 -U "$user" -d "${POSTGRES_DB:-$user}" -c "$1"
"#;

/// Settings that are not the program's own, but for places, addresses, what `initdb` chose, and what may hold a
/// password: a command, a connection.
pub const CHANGED: &str = "\
select json_build_object('version', current_setting('server_version'), 'database', current_database(), \
'user', session_user, 'settings', coalesce((select json_object_agg(name, current_setting(name)) from pg_settings \
where source not in ('default', 'override', 'environment variable', 'client', 'session') \
and setting is distinct from boot_val \
and name !~ '(_file|_dir|_directory|_directories|_command|_conninfo|_slot_name|_library|_libraries_path)$' \
and name !~ '^(lc_|ssl_|krb_)' \
and name not in ('listen_addresses', 'port', 'cluster_name', 'application_name', 'dynamic_shared_memory_type', \
'default_text_search_config', 'client_encoding', 'log_filename') \
and not (name in ('TimeZone', 'log_timezone') and setting in ('Etc/UTC', 'UTC', 'GMT'))), '{}'))";

pub fn told(stdout: &str) -> StoreFacts {
    ask::answers(stdout)
}
