//! A folder and the database in it: who may read them, that one host alone has them, and what form
//! the rows have.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions, TryLockError};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use super::StoreError;

/// The database's name in its folder.
pub(super) const DATABASE: &str = "host.db";

/// The form of the rows; one more with each change of it.
const FORM: i64 = 3;

/// Says in the file's head whose database it is: `lgrh`.
const APPLICATION: i64 = 0x6c67_7268;

/// The most pages of a database, of 4,096 bytes: 1 GiB.
pub(super) const MAX_PAGES: u32 = 262_144;

const ROWS: &str = "
CREATE TABLE own (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;

CREATE TABLE tasks (
    origin TEXT NOT NULL, app TEXT NOT NULL, id TEXT NOT NULL,
    task TEXT NOT NULL, epoch INTEGER, began_at INTEGER NOT NULL, state TEXT NOT NULL,
    source_gone_at INTEGER,
    PRIMARY KEY (origin, app, id)
) WITHOUT ROWID;

CREATE TABLE pushes (
    origin TEXT NOT NULL, app TEXT NOT NULL, id TEXT NOT NULL, target INTEGER NOT NULL,
    url TEXT NOT NULL, number INTEGER NOT NULL, at INTEGER NOT NULL, state TEXT NOT NULL,
    cause TEXT, attempt INTEGER NOT NULL,
    PRIMARY KEY (origin, app, id, target)
) WITHOUT ROWID;

CREATE TABLE ended (
    seq INTEGER PRIMARY KEY, task TEXT NOT NULL, began_at INTEGER NOT NULL, state TEXT NOT NULL,
    at INTEGER NOT NULL, why TEXT NOT NULL, pushes TEXT NOT NULL
);

CREATE TABLE addresses (identity TEXT PRIMARY KEY, task TEXT NOT NULL, rests_until INTEGER)
    WITHOUT ROWID;
CREATE INDEX addresses_resting ON addresses (rests_until) WHERE rests_until IS NOT NULL;
CREATE INDEX addresses_task ON addresses (task);

-- The channels that have events to be told; a number is never given again.
CREATE TABLE lines (
    line INTEGER PRIMARY KEY AUTOINCREMENT, app TEXT NOT NULL, channel TEXT NOT NULL,
    last INTEGER NOT NULL, UNIQUE (app, channel)
);
CREATE TABLE events (
    line INTEGER NOT NULL, number INTEGER NOT NULL, id TEXT NOT NULL, at INTEGER NOT NULL,
    body TEXT NOT NULL, PRIMARY KEY (line, number)
) WITHOUT ROWID;
CREATE INDEX events_at ON events (at);
-- How far each receiver has them.
CREATE TABLE cursors (
    line INTEGER NOT NULL, receiver TEXT NOT NULL, settled INTEGER NOT NULL,
    PRIMARY KEY (line, receiver)
) WITHOUT ROWID;
-- What a receiver refused for good.
CREATE TABLE aside (
    seq INTEGER PRIMARY KEY, receiver TEXT NOT NULL, app TEXT NOT NULL, channel TEXT NOT NULL,
    id TEXT NOT NULL, at INTEGER NOT NULL, aside_at INTEGER NOT NULL, code TEXT NOT NULL,
    body TEXT NOT NULL
);
CREATE INDEX aside_app ON aside (app, seq);
";

/// What makes the next form of each.
const NEXT: [&str; 2] = [
    "ALTER TABLE tasks ADD COLUMN source_gone_at INTEGER;",
    "CREATE INDEX addresses_task ON addresses (task);
     CREATE INDEX aside_app ON aside (app, seq);",
];

/// Opens a folder's database, or makes both. As long as the file that is returned lives, nobody
/// else can.
pub(super) fn open(folder: &Path, max_pages: u32) -> Result<(Connection, File), StoreError> {
    let failed = |error: std::io::Error| StoreError::Folder(error.kind());
    DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(failed)?;
    close_to_others(folder).map_err(failed)?;
    let mut options = OpenOptions::new();
    options.create(true).truncate(false).write(true).mode(0o600);
    let lock = options.open(folder.join("lock")).map_err(failed)?;
    lock.try_lock().map_err(|error| match error {
        TryLockError::WouldBlock => StoreError::Locked,
        TryLockError::Error(error) => failed(error),
    })?;
    // SQLite gives its other files the mode of this one.
    let path = folder.join(DATABASE);
    options.open(&path).map_err(failed)?;
    fs::set_permissions(&path, Permissions::from_mode(0o600)).map_err(failed)?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(&path, flags)?;
    connection.busy_timeout(Duration::from_secs(1))?;
    connection.set_prepared_statement_cache_capacity(64);
    prepare(&mut connection)?;
    connection.pragma_update(None, "max_page_count", max_pages)?;
    Ok((connection, lock))
}

/// Nobody else may look into a folder that is the host's alone. One with other things in it may be
/// there for others too, and stays as it is: the files themselves are closed.
fn close_to_others(folder: &Path) -> std::io::Result<()> {
    let mut names = fs::read_dir(folder)?.filter_map(|entry| entry.ok().map(|e| e.file_name()));
    let is_its_own = names.all(|name| {
        let name = name.to_string_lossy();
        name == "lock" || name.starts_with(DATABASE)
    });
    if is_its_own {
        fs::set_permissions(folder, Permissions::from_mode(0o700))?;
    }
    Ok(())
}

fn prepare(connection: &mut Connection) -> Result<(), StoreError> {
    let pragma = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    let (application, form) = (pragma("application_id")?, pragma("user_version")?);
    let tables: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    let is_new = application == 0 && form == 0 && tables == 0;
    if !is_new && application != APPLICATION {
        return Err(StoreError::Foreign);
    }
    if form > FORM {
        return Err(StoreError::Newer { found: form });
    }
    connection.pragma_update(None, "journal_mode", "wal")?;
    // In WAL, "full" syncs with each commit; "normal" would lose the last ones with the power.
    connection.pragma_update(None, "synchronous", "full")?;
    connection.pragma_update(None, "journal_size_limit", 16 * 1024 * 1024)?;
    connection.pragma_update(None, "trusted_schema", false)?;
    if form < FORM {
        let transaction = connection.transaction()?;
        if is_new {
            transaction.execute_batch(ROWS)?;
        } else {
            let from = usize::try_from(form).unwrap_or(1).saturating_sub(1);
            for next in NEXT.iter().skip(from) {
                transaction.execute_batch(next)?;
            }
        }
        transaction.pragma_update(None, "application_id", APPLICATION)?;
        transaction.pragma_update(None, "user_version", FORM)?;
        transaction.commit()?;
    }
    Ok(())
}
