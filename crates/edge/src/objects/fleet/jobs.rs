//! Live jobs hear what became of their relay tasks: of the state that was told last, and the one that
//! there is.

use livegate_core::relay::lifecycle::TaskState;
use livegate_core::time::{Millis, UnixMillis};

use super::Fleet;
use crate::error::Result;
use crate::js;
use crate::sql::params;
use crate::vendor::metastudio::Became;
use crate::vendor::stored::Tenant;

/// When to try again what failed.
const AGAIN: Millis = Millis(2_000);

/// How many jobs are told in a turn.
const MOST: u64 = 50;

/// Tells every job whose task is in another state than was told.
pub(super) async fn tell(fleet: &Fleet) -> Result<()> {
    let store = fleet.store()?;
    let rows = store.0.rows(
        "SELECT seq, task, state, code, ran, ended_at, updated_at, state || '/' || ran
         FROM relay_tasks WHERE vendor = 'metastudio' AND told <> state || '/' || ran
         ORDER BY seq LIMIT ?",
        &params![MOST],
    )?;
    if rows.is_empty() {
        return Ok(());
    }
    let Some(id) = store.tenant()? else { return Ok(()) };
    let tenant = Tenant { env: &fleet.env, id };
    for row in rows {
        let ended_at = row.int(5);
        let became = Became {
            state: TaskState::from_name(&row.text(2)).unwrap_or(TaskState::Waiting),
            code: row.maybe_text(3),
            has_run: row.int(4) == 1,
            at: UnixMillis(if ended_at > 0 { ended_at } else { row.int(6) }),
        };
        let told = became.tell(&tenant, &row.text(1)).await;
        if let Err(error) = &told {
            worker::console_error!("a live job is not told of its relay: {error}");
        }
        // One that is not there yet is about to be; one that has ended may have been forgotten.
        if matches!(told, Ok(true)) || (matches!(told, Ok(false)) && ended_at > 0) {
            store.0.run(
                "UPDATE relay_tasks SET told = ? WHERE seq = ?",
                &params![&row.text(7), row.int(0)],
            )?;
        } else {
            fleet.come_again(js::now().plus(AGAIN))?;
        }
    }
    Ok(())
}
