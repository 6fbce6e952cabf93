//! What stores said of themselves when they were asked, beside what their containers say.

use serde_json::{Value as Json, json};

use super::{
    draft::{Input, Sketch, Taking},
    redact::scrub,
    settings,
};
use crate::{observed::StoreFacts, path::Path, profile::EngineKind};

/// A store by its name in the profile, and its answer or why there is none.
#[derive(Clone, Debug, PartialEq)]
pub struct Asked {
    pub name: String,
    pub engine: EngineKind,
    pub answer: Result<StoreFacts, String>,
}

impl Asked {
    fn input(&self) -> Input {
        let tree = match &self.answer {
            Ok(StoreFacts { version, settings, .. }) => json!({"version": version, "settings": settings}),
            Err(why) => json!({"refused": why}),
        };
        Input::new(format!("{} itself", self.name), tree)
    }
}

pub(super) fn inputs(asked: &[Asked]) -> Vec<Input> {
    asked.iter().map(Asked::input).collect()
}

/// Writes the settings that the command line does not have; `inputs` are those of the stores.
pub(super) fn write<'s>(asked: &[Asked], inputs: &'s [Input], to: &mut Sketch<'s>) {
    for (store, input) in asked.iter().zip(inputs) {
        let (at, top) = (Path::of(["stores", &store.name]), input.top());
        top.became(at.clone());
        if let Some(why) = top.get("refused") {
            let said = scrub(why.value().as_str().unwrap_or_default());
            why.left_out(format!("asked for its settings, it did not tell them: {said}"));
        }
        if let Some(version) = top.get("version") {
            version.used();
            let text = version.value().as_str().unwrap_or_default();
            version.remark(format!("asked, it says that it is {} {text}", store.engine.as_str()));
        }
        for (name, value) in top.fields("settings") {
            setting(store.engine, &at.key("settings").key(name), name, &value, to);
        }
    }
}

/// What runs wins over what was asked for; the command line's spelling stands where both mean the same.
fn setting<'s>(engine: EngineKind, at: &Path, name: &str, value: &Taking<'s>, to: &mut Sketch<'s>) {
    let live = value.value().as_str().unwrap_or_default();
    match to.get(at).and_then(Json::as_str) {
        Some(written) if settings::same(engine, name, written, live) => value.used(),
        Some(_) => {
            for origin in to.origins.of(at) {
                origin.left_out("asked, the store says otherwise");
            }
            to.take(at, live, value);
        }
        None => to.take(at, live, value),
    }
}
