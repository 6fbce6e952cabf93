//! The engine's news: what is there, then every change, and from the start again when the engine was away.

use std::time::Duration;

use bollard::errors::Error;
use futures_util::StreamExt;
use tokio::sync::mpsc::UnboundedSender;

use super::{
    engine::{Engine, words},
    world::Found,
};
use crate::log;

/// Everything is read again now and then: an event that was lost is lost for no longer.
const AGAIN: Duration = Duration::from_secs(30);
const BACK_OFF: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));

pub enum News {
    All(Vec<Found>),
    One(String, Option<Box<Found>>),
}

/// Never ends; stops when nobody listens any more.
pub async fn watch(engine: Engine, to: UnboundedSender<News>) {
    let mut wait = BACK_OFF.0;
    let mut first = true;
    while !to.is_closed() {
        match follow(&engine, &to, first).await {
            Ok(()) => log::warn("the engine's events ended", &[]),
            Err(error) => log::warn("the engine is away", &[("why", &words(error))]),
        }
        // One good read is proof enough that the engine is there.
        wait = if is_there(&engine).await { BACK_OFF.0 } else { (wait * 2).min(BACK_OFF.1) };
        first = false;
        tokio::time::sleep(wait).await;
    }
}

async fn is_there(engine: &Engine) -> bool {
    engine.docker.ping().await.is_ok()
}

async fn follow(engine: &Engine, to: &UnboundedSender<News>, first: bool) -> Result<(), Error> {
    // Listening begins before the reading, so that nothing falls between the two.
    let changes = engine.changes().ready_chunks(64);
    tokio::pin!(changes);
    let mut again = tokio::time::interval(AGAIN);
    if first {
        engine.tidy(&engine.find_all().await?).await?;
    }
    loop {
        tokio::select! {
            _ = again.tick() => {
                // Nobody listening is the end, and the loop above sees it.
                let _ = to.send(News::All(engine.find_all().await?));
            }
            ids = changes.next() => {
                let Some(ids) = ids else { return Ok(()) };
                let mut ids = ids.into_iter().collect::<Result<Vec<_>, _>>()?;
                ids.sort();
                ids.dedup();
                for id in ids {
                    let found = engine.find(&id).await?;
                    let _ = to.send(News::One(id, found.map(Box::new)));
                }
            }
        }
    }
}
