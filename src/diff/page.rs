//! A difference as one page of HTML: nothing is fetched, and it reads without its script too.

use indexmap::IndexMap;
use serde::Serialize;
use serde_json::Value;
use tera::{Context, Tera};

use super::{Change, Difference, likelihood, text::title};
use crate::path::Path;

const NAME: &str = "page.html.tera";
const TEMPLATE: &str = include_str!("../../templates/diff/page.html.tera");

/// The page of what A and B differ in.
pub fn page(a: &str, b: &str, difference: &Difference) -> String {
    let mut tera = Tera::new();
    tera.autoescape_on([".html.tera"]);
    tera.add_raw_template(NAME, TEMPLATE).expect("the template is a constant, and a test compiles it");
    let view = View::new(a, b, difference);
    let context = Context::from_serialize(&view).expect("texts and numbers make a context");
    tera.render(NAME, &context).expect("the template names what the view has, and a test renders every part")
}

#[derive(Serialize)]
struct View<'a> {
    a: &'a str,
    b: &'a str,
    version: &'static str,
    summary: String,
    counts: Counts,
    groups: Vec<Group>,
    unread: Vec<Unread>,
    /// What the source of one side cannot tell.
    untold: Vec<Unread>,
}

#[derive(Default, Serialize)]
struct Counts {
    high: usize,
    medium: usize,
    low: usize,
    noise: usize,
}

#[derive(Serialize)]
struct Group {
    id: String,
    title: String,
    rows: Vec<Row>,
}

#[derive(Serialize)]
struct Row {
    path: String,
    /// The path within its group.
    name: String,
    class: String,
    level: &'static str,
    level_in_words: &'static str,
    why: Option<&'static str>,
    noise: Option<String>,
    needs: Vec<String>,
    from: Option<Cell>,
    to: Option<Cell>,
    /// What the filter looks at.
    text: String,
}

/// A value in three parts; the one in the middle is what the other side has not.
#[derive(Clone, Default, Serialize)]
struct Cell {
    before: String,
    changed: String,
    after: String,
}

#[derive(Serialize)]
struct Unread {
    path: String,
    why: String,
}

/// How much a difference asks for a look.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Level {
    High,
    Medium,
    Low,
    Noise,
}

impl Level {
    pub(super) fn of(change: &Change) -> Self {
        match (&change.noise, change.cause_prior) {
            (Some(_), _) => Self::Noise,
            (None, Some(prior)) if prior >= 0.25 => Self::High,
            (None, Some(prior)) if prior < 0.15 => Self::Low,
            // What nothing is known of may matter.
            (None, _) => Self::Medium,
        }
    }

    fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::High => ("high", "likely to matter"),
            Self::Medium => ("medium", "may matter"),
            Self::Low => ("low", "seldom matters"),
            Self::Noise => ("noise", "noise"),
        }
    }
}

impl<'a> View<'a> {
    fn new(a: &'a str, b: &'a str, difference: &Difference) -> Self {
        let mut counts = Counts::default();
        let mut groups: IndexMap<String, Group> = IndexMap::new();
        for change in &difference.changes {
            let level = Level::of(change);
            *match level {
                Level::High => &mut counts.high,
                Level::Medium => &mut counts.medium,
                Level::Low => &mut counts.low,
                Level::Noise => &mut counts.noise,
            } += 1;
            let (title, depth) = title(&change.path);
            let id = format!("group-{}", groups.len());
            let group = groups.entry(title.clone()).or_insert_with(|| Group { id, title, rows: Vec::new() });
            group.rows.push(row(change, level, depth));
        }
        let without_value = |path: &Path, why: &String| Unread { path: path.to_string(), why: why.clone() };
        let unread = difference.incomparable.iter().map(|one| without_value(&one.path, &one.why)).collect();
        let untold = difference.untold.iter().map(|one| without_value(&one.path, &one.why)).collect();
        let summary = match super::text::summary(difference, true) {
            summary if summary.is_empty() => "no difference".to_owned(),
            summary => summary.trim_end().to_owned(),
        };
        let groups = groups.into_values().collect();
        Self { a, b, version: env!("CARGO_PKG_VERSION"), summary, counts, groups, unread, untold }
    }
}

fn row(change: &Change, level: Level, depth: usize) -> Row {
    let (word, words) = level.words();
    let within = Path(change.path.0[depth.min(change.path.0.len())..].to_vec());
    let (from, to) = cells(change.from.as_ref(), change.to.as_ref());
    let class = serde_json::to_value(change.class).ok().and_then(|class| class.as_str().map(str::to_owned));
    let class = class.unwrap_or_default();
    let whole = |cell: &Option<Cell>| {
        cell.as_ref().map(|cell| format!("{}{}{}", cell.before, cell.changed, cell.after)).unwrap_or_default()
    };
    Row {
        path: change.path.to_string(),
        name: if within.0.is_empty() { "as a whole".to_owned() } else { within.to_string() },
        level: word,
        level_in_words: words,
        why: likelihood(change).map(|likelihood| likelihood.why).filter(|_| change.noise.is_none()),
        noise: change.noise.clone(),
        needs: change.needs.iter().map(Path::to_string).collect(),
        text: format!("{} {class} {} {}", change.path, whole(&from), whole(&to)),
        class,
        from,
        to,
    }
}

/// Both values, with what they share at either end kept apart.
fn cells(from: Option<&Value>, to: Option<&Value>) -> (Option<Cell>, Option<Cell>) {
    let lines = |value: &Value| match value {
        Value::String(text) if !text.is_empty() => text.clone(),
        Value::String(_) => "\"\"".to_owned(),
        other => serde_json::to_string_pretty(other).unwrap_or_default(),
    };
    match (from.map(lines), to.map(lines)) {
        (Some(from), Some(to)) => {
            let (from_cell, to_cell) = apart(&from, &to);
            (Some(from_cell), Some(to_cell))
        }
        (from, to) => {
            let plain = |text: String| Cell { before: text, ..Cell::default() };
            (from.map(plain), to.map(plain))
        }
    }
}

fn apart(from: &str, to: &str) -> (Cell, Cell) {
    let (a, b): (Vec<char>, Vec<char>) = (from.chars().collect(), to.chars().collect());
    let front = a.iter().zip(&b).take_while(|(a, b)| a == b).count();
    let most = a.len().min(b.len()) - front;
    let back = a.iter().rev().zip(b.iter().rev()).take(most).take_while(|(a, b)| a == b).count();
    // Two short words that share an ending are two words.
    if (front + back) * 2 < a.len().max(b.len()) {
        let whole = |text: &str| Cell { before: text.to_owned(), ..Cell::default() };
        return (whole(from), whole(to));
    }
    let cut = |chars: &[char]| Cell {
        before: chars[..front].iter().collect(),
        changed: chars[front..chars.len() - back].iter().collect(),
        after: chars[chars.len() - back..].iter().collect(),
    };
    (cut(&a), cut(&b))
}
