//! What a capture has read so far, kept so that a later run goes on where this one was cut off.
//!
//! Objects of a cluster hold passwords in places that nobody can foresee, so they lie here sealed, under a key that is in
//! no file: whoever began the capture has it, as its token. Of Secrets nothing is kept at all: those are asked for again.

mod sealed;

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use sealed::Sealed;
pub use sealed::{BadToken, Token};

/// What is left of a capture that nobody went on with is removed after this time.
pub const KEPT: Duration = Duration::from_secs(24 * 60 * 60);

/// What a capture is of: another one cannot go on with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scope {
    /// The address of the API server.
    pub server: String,
    pub context: String,
    pub namespace: String,
    /// Empty: none.
    pub selector: String,
}

/// One answer, or that those before are of no use.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Record {
    /// The first one. `at` is RFC 3339, UTC.
    Begun { scope: Scope, at: String },
    /// A page of the list with this path and query.
    Page { of: String, page: Json },
    /// The pages of that list expired.
    Anew { of: String },
    /// What answers a path otherwise: an object, or no.
    Got { of: String, answer: Kept },
}

/// An answer that is no list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Kept {
    Yes(Json),
    No { status: u16, why: String },
}

#[derive(Debug, thiserror::Error)]
pub enum SpoolError {
    #[error("{}: {source}", file.display())]
    Io { file: PathBuf, source: io::Error },
    #[error("no capture was cut off that this token is of")]
    NoSuch,
    #[error("another run goes on with this capture")]
    InUse,
    #[error("{}: its beginning is damaged, so nothing of it can be read", file.display())]
    Damaged { file: PathBuf },
    #[error("the capture that was cut off is of {what} `{there}`, and this one is of `{here}`")]
    Other { what: &'static str, there: String, here: String },
}

/// Answers of one capture: those of the run before, and those of this one.
pub struct Spool {
    file: Sealed,
    token: Token,
    /// When the first run began, where this is a later one.
    begun: Option<String>,
    pages: BTreeMap<String, Vec<Json>>,
    got: BTreeMap<String, Kept>,
    is_worth_keeping: bool,
}

/// Where spools lie in the folder of a user's state.
fn folder(state: &Path) -> PathBuf {
    state.join("captures")
}

impl Spool {
    /// Begins one in the folder of the state; `now` is RFC 3339, UTC.
    ///
    /// # Errors
    /// The file cannot be made.
    pub(super) fn begin(state: &Path, token: Token, scope: Scope, now: &str) -> Result<Self, SpoolError> {
        let mut file = Sealed::make(&folder(state), &token)?;
        file.add(&Record::Begun { scope, at: now.to_owned() })?;
        Ok(Self {
            file,
            token,
            begun: None,
            pages: BTreeMap::new(),
            got: BTreeMap::new(),
            is_worth_keeping: false,
        })
    }

    /// Goes on with the one that a token is of. A record that was not written to its end is no record.
    ///
    /// # Errors
    /// It is not there, is of another capture, or somebody goes on with it already.
    pub(super) fn resume(state: &Path, token: Token, scope: &Scope) -> Result<Self, SpoolError> {
        let (file, records) = Sealed::open::<Record>(&folder(state), &token)?;
        let mut records = records.into_iter();
        let Some(Record::Begun { scope: there, at }) = records.next() else {
            return Err(SpoolError::Damaged { file: file.path().to_owned() });
        };
        there.is(scope)?;
        let mut spool = Self {
            file,
            token,
            begun: Some(at),
            pages: BTreeMap::new(),
            got: BTreeMap::new(),
            is_worth_keeping: true,
        };
        for record in records {
            match record {
                Record::Begun { .. } => {}
                Record::Page { of, page } => spool.pages.entry(of).or_default().push(page),
                Record::Anew { of } => drop(spool.pages.remove(&of)),
                Record::Got { of, answer } => drop(spool.got.insert(of, answer)),
            }
        }
        Ok(spool)
    }

    /// When the first run began, RFC 3339, if this is a later one.
    pub fn begun(&self) -> Option<&str> {
        self.begun.as_deref()
    }

    /// The pages of a list that were read before, in their order. They are asked for once.
    pub(super) fn pages(&mut self, of: &str) -> Vec<Json> {
        self.pages.remove(of).unwrap_or_default()
    }

    pub(super) fn got(&mut self, of: &str) -> Option<Kept> {
        self.got.remove(of)
    }

    pub(super) fn page(&mut self, of: &str, page: &Json) -> Result<(), SpoolError> {
        self.add(&Record::Page { of: of.to_owned(), page: page.clone() })
    }

    pub(super) fn anew(&mut self, of: &str) -> Result<(), SpoolError> {
        self.add(&Record::Anew { of: of.to_owned() })
    }

    pub(super) fn answer(&mut self, of: &str, answer: Kept) -> Result<(), SpoolError> {
        self.add(&Record::Got { of: of.to_owned(), answer })
    }

    fn add(&mut self, record: &Record) -> Result<(), SpoolError> {
        self.is_worth_keeping = true;
        self.file.add(record)
    }

    /// Removes it: the capture is done.
    ///
    /// # Errors
    /// The file cannot be removed.
    pub(super) fn finish(self) -> Result<(), SpoolError> {
        self.file.remove()
    }

    /// The token to go on with, where anything was read; else nothing is left.
    pub(super) fn cut_off(self) -> Option<Token> {
        if self.is_worth_keeping {
            return Some(self.token);
        }
        // What fails here is found by `gc`.
        let _ = self.file.remove();
        None
    }
}

impl Scope {
    fn is(&self, here: &Self) -> Result<(), SpoolError> {
        let Self { server, context, namespace, selector } = self;
        let parts = [
            ("the cluster", server, &here.server),
            ("context", context, &here.context),
            ("namespace", namespace, &here.namespace),
            ("selector", selector, &here.selector),
        ];
        match parts.into_iter().find(|(_, there, here)| there != here) {
            None => Ok(()),
            Some((what, there, here)) => {
                Err(SpoolError::Other { what, there: there.clone(), here: here.clone() })
            }
        }
    }
}

/// Whether something is kept under a token.
pub fn is_kept(state: &Path, token: &Token) -> bool {
    token.file(&folder(state)).exists()
}

/// Removes what is left of captures that were cut off longer ago than [`KEPT`]; answers the files.
///
/// # Errors
/// The folder cannot be read, or a file not be removed.
pub fn expire(state: &Path, now: SystemTime, dry_run: bool) -> Result<Vec<PathBuf>, SpoolError> {
    let folder = folder(state);
    let failed = |file: &Path| {
        let file = file.to_owned();
        move |source| SpoolError::Io { file, source }
    };
    let entries = match fs::read_dir(&folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(source) => return Err(SpoolError::Io { file: folder, source }),
    };
    let mut expired = Vec::new();
    for entry in entries {
        let file = entry.map_err(failed(&folder))?.path();
        let written = fs::metadata(&file).and_then(|data| data.modified()).map_err(failed(&file))?;
        if now.duration_since(written).is_ok_and(|age| age > KEPT) {
            if !dry_run {
                fs::remove_file(&file).map_err(failed(&file))?;
            }
            expired.push(file);
        }
    }
    expired.sort();
    Ok(expired)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn scope() -> Scope {
        let text = str::to_owned;
        Scope {
            server: text("https://a"),
            context: text("prod"),
            namespace: text("shop"),
            selector: text(""),
        }
    }

    fn begun(state: &Path) -> (Spool, Token) {
        let token = Token::new().unwrap();
        (Spool::begin(state, token.clone(), scope(), "2026-11-26T05:00:00Z").unwrap(), token)
    }

    fn file(state: &Path) -> PathBuf {
        fs::read_dir(folder(state)).unwrap().next().unwrap().unwrap().path()
    }

    #[test]
    fn a_later_run_has_the_answers_of_the_one_before() {
        let state = tempfile::tempdir().unwrap();
        let (mut spool, token) = begun(state.path());
        spool.page("/pods?limit=500", &json!({"items": [1]})).unwrap();
        spool.anew("/pods?limit=500").unwrap();
        spool.page("/pods?limit=500", &json!({"items": [2]})).unwrap();
        spool.answer("/nodes", Kept::No { status: 403, why: "forbidden".to_owned() }).unwrap();
        drop(spool);
        let mut spool = Spool::resume(state.path(), token, &scope()).unwrap();
        assert_eq!(spool.begun(), Some("2026-11-26T05:00:00Z"));
        assert_eq!(spool.pages("/pods?limit=500"), [json!({"items": [2]})], "those that expired are gone");
        assert_eq!(spool.got("/nodes"), Some(Kept::No { status: 403, why: "forbidden".to_owned() }));
        spool.finish().unwrap();
        assert_eq!(fs::read_dir(folder(state.path())).unwrap().count(), 0);
    }

    #[test]
    fn nothing_that_was_read_can_be_read_in_the_file_and_nobody_else_may_open_it() {
        use std::os::unix::fs::PermissionsExt as _;
        let state = tempfile::tempdir().unwrap();
        let (mut spool, token) = begun(state.path());
        spool.page("/configmaps", &json!({"items": [{"data": {"password": "letmein-77"}}]})).unwrap();
        let file = file(state.path());
        let bytes = fs::read(&file).unwrap();
        for word in ["letmein-77", "password", "configmaps", "shop", &token.to_string()] {
            assert!(!bytes.windows(word.len()).any(|window| window == word.as_bytes()), "{word}");
        }
        assert!(!file.display().to_string().contains(&token.to_string()));
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::metadata(file.parent().unwrap()).unwrap().permissions().mode() & 0o777, 0o700);
    }

    #[test]
    fn a_record_that_was_cut_off_is_none_and_the_rest_is_gone_on_with() {
        let state = tempfile::tempdir().unwrap();
        let (mut spool, token) = begun(state.path());
        spool.page("/a", &json!(1)).unwrap();
        let whole = fs::metadata(file(state.path())).unwrap().len();
        spool.page("/b", &json!(2)).unwrap();
        drop(spool);
        let file = file(state.path());
        let bytes = fs::read(&file).unwrap();
        for cut in usize::try_from(whole).unwrap()..bytes.len() {
            fs::write(&file, &bytes[..cut]).unwrap();
            let mut spool = Spool::resume(state.path(), token.clone(), &scope()).unwrap();
            assert_eq!((spool.pages("/a"), spool.pages("/b")), (vec![json!(1)], vec![]), "{cut}");
            spool.page("/c", &json!(3)).unwrap();
            drop(spool);
            let mut spool = Spool::resume(state.path(), token.clone(), &scope()).unwrap();
            assert_eq!((spool.pages("/a"), spool.pages("/c")), (vec![json!(1)], vec![json!(3)]), "{cut}");
        }
        // A bit that fell over is found, and so is a record in another's place.
        let mut damaged = bytes.clone();
        *damaged.last_mut().unwrap() ^= 1;
        fs::write(&file, &damaged).unwrap();
        let mut spool = Spool::resume(state.path(), token.clone(), &scope()).unwrap();
        assert_eq!((spool.pages("/a"), spool.pages("/b")), (vec![json!(1)], vec![]));
        drop(spool);
        let mut damaged = bytes;
        damaged[40] ^= 1;
        fs::write(&file, &damaged).unwrap();
        assert!(matches!(Spool::resume(state.path(), token, &scope()), Err(SpoolError::Damaged { .. })));
    }

    #[test]
    fn a_token_is_its_digits_and_nothing_else_is_one() {
        let token = Token::new().unwrap();
        assert_eq!(token.to_string().parse::<Token>(), Ok(token.clone()));
        assert_ne!(token, Token::new().unwrap());
        assert_eq!(format!("{token:?}"), "Token(…)");
        for other in ["", "ab", &"g".repeat(64), &"a".repeat(63), &"a".repeat(66), &"ä".repeat(32)] {
            assert_eq!(other.parse::<Token>(), Err(BadToken), "{other}");
        }
    }

    #[test]
    fn another_token_another_capture_and_a_second_run_at_once_are_refused() {
        let state = tempfile::tempdir().unwrap();
        let (spool, token) = begun(state.path());
        let other = Token::new().unwrap();
        assert!(matches!(Spool::resume(state.path(), other, &scope()), Err(SpoolError::NoSuch)));
        assert!(matches!(Spool::resume(state.path(), token.clone(), &scope()), Err(SpoolError::InUse)));
        drop(spool);
        let elsewhere = Scope { namespace: "test".to_owned(), ..scope() };
        let Err(error) = Spool::resume(state.path(), token, &elsewhere) else { panic!("it is taken") };
        assert_eq!(
            error.to_string(),
            "the capture that was cut off is of namespace `shop`, and this one is of `test`"
        );
    }

    #[test]
    fn what_nothing_was_read_into_is_not_kept_and_what_is_old_is_removed() {
        let state = tempfile::tempdir().unwrap();
        let (spool, _) = begun(state.path());
        assert!(spool.cut_off().is_none());
        assert_eq!(fs::read_dir(folder(state.path())).unwrap().count(), 0);
        let (mut spool, token) = begun(state.path());
        spool.page("/a", &json!(1)).unwrap();
        assert_eq!(spool.cut_off(), Some(token));
        let now = SystemTime::now();
        assert!(expire(state.path(), now, false).unwrap().is_empty());
        let later = now + KEPT + Duration::from_secs(60);
        assert_eq!(expire(state.path(), later, true).unwrap().len(), 1);
        assert_eq!(
            expire(state.path(), later, false).unwrap().len(),
            1,
            "the first time nothing was removed"
        );
        assert!(expire(state.path(), later, false).unwrap().is_empty());
    }
}
