//! Logs that go on: of containers that are there, of those that take their places, until the mirror is gone.

use std::{collections::HashMap, pin::Pin};

use bollard::{
    models::{ContainerSummary, EventMessage},
    query_parameters::EventsOptionsBuilder,
};
use futures_util::{
    Stream, StreamExt as _,
    stream::{self, SelectAll},
};
use jiff::Timestamp;

use super::{
    super::{LogLine, LogQuery, LogStream, Result},
    Compose,
    launch::id_of,
    logs::matches,
    trouble::Doing as _,
};
use crate::{labels, name::Name};

enum Item {
    Line(Result<LogLine>),
    Ended(String),
    Event(Result<EventMessage>),
}

type Items = Pin<Box<dyn Stream<Item = Item> + Send>>;

/// Where a follower stands.
struct Follower {
    compose: Compose,
    mirror: Name,
    query: LogQuery,
    items: SelectAll<Items>,
    /// Containers whose lines are being read; since when again, if one was started anew before its end was heard.
    open: HashMap<String, Option<Timestamp>>,
    /// The mirror is gone.
    ending: bool,
    /// The engine went away.
    over: bool,
}

impl Compose {
    /// Lines as they come. Containers that are there come first, with the lines that the query wants of them.
    pub(super) async fn follow_logs(&self, mirror: &Name, query: LogQuery) -> Result<LogStream> {
        let label = format!("{}={mirror}", labels::MIRROR);
        let filters = HashMap::from([
            ("type", vec!["container".to_owned()]),
            ("label", vec![label]),
            ("event", vec!["start".to_owned(), "destroy".to_owned()]),
        ]);
        // Listening begins before the reading, so that nothing falls between the two.
        let events = self.docker.events(Some(EventsOptionsBuilder::new().filters(&filters).build()));
        let events: Items = Box::pin(events.map(|event| Item::Event(event.doing("events"))));
        let mut follower = Follower {
            compose: self.clone(),
            mirror: mirror.clone(),
            query,
            items: SelectAll::from_iter([events]),
            open: HashMap::new(),
            ending: false,
            over: false,
        };
        for container in self.wanted(mirror, &follower.query).await? {
            let query = follower.query.clone();
            follower.read(&container, &query);
        }
        Ok(Box::pin(stream::unfold(follower, |mut follower| async {
            Some((follower.next().await?, follower))
        })))
    }
}

impl Follower {
    async fn next(&mut self) -> Option<Result<LogLine>> {
        // What is on its way when the mirror goes is the last.
        while !(self.over || self.ending && self.open.is_empty()) {
            let took = match self.items.next().await? {
                Item::Line(line) => return Some(line),
                Item::Ended(id) => self.ended(id).await,
                Item::Event(event) => match event {
                    Ok(event) => self.happened(event).await,
                    Err(error) => Err(error),
                },
            };
            if let Err(error) = took {
                self.over = true;
                return Some(Err(error));
            }
        }
        None
    }

    async fn happened(&mut self, event: EventMessage) -> Result<()> {
        let at = event.time_nano.and_then(|nanos| Timestamp::from_nanosecond(nanos.into()).ok());
        let id = event.actor.and_then(|actor| actor.id).unwrap_or_default();
        match event.action.as_deref() {
            Some("start") => match self.open.get_mut(&id) {
                Some(again) => {
                    *again = at;
                    Ok(())
                }
                None => self.read_new(&id, None).await,
            },
            // Whoever removes a mirror takes its containers one by one.
            Some("destroy") => {
                let label = format!("{}={}", labels::MIRROR, self.mirror);
                self.ending = self.compose.containers_labelled(&[label]).await?.is_empty();
                Ok(())
            }
            _ => Ok(()),
        }
    }

    async fn ended(&mut self, id: String) -> Result<()> {
        match self.open.remove(&id).flatten() {
            Some(again) => self.read_new(&id, Some(again)).await,
            None => Ok(()),
        }
    }

    /// A container that came later: all of its lines, or those since it was started again.
    async fn read_new(&mut self, id: &str, again: Option<Timestamp>) -> Result<()> {
        let since = again.max(self.query.since);
        let query = LogQuery { since, tail: None, ..self.query.clone() };
        let there =
            self.compose.containers_labelled(&[format!("{}={}", labels::MIRROR, self.mirror)]).await?;
        let found = there.iter().find(|container| id_of(container) == id);
        if let Some(container) = found.filter(|container| matches(container, &query)) {
            self.read(container, &query);
        }
        Ok(())
    }

    fn read(&mut self, container: &ContainerSummary, query: &LogQuery) {
        let lines = self.compose.lines_of(container, query).map(Item::Line);
        let id = id_of(container).to_owned();
        self.open.insert(id.clone(), None);
        self.items.push(Box::pin(lines.chain(stream::once(async { Item::Ended(id) }))));
    }
}
