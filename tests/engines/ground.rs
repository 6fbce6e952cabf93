//! Where a suite runs: something that starts a server and lets an engine into its container.

use std::{any::Any, future::Future, path::Path, pin::Pin, sync::Arc, time::Duration};

use prodmirror::{
    engine::{self, Answer, Engine, EngineError, InStore, Loaded, Login, seed},
    profile::EngineKind,
};

pub trait Ground {
    /// Starts a fresh server with these settings and this login; it may still be starting when this returns.
    fn start<'a>(
        &'a self,
        engine: EngineKind,
        settings: &'a [(&'a str, &'a str)],
        login: &'a Login,
    ) -> Pin<Box<dyn Future<Output = Server> + 'a>>;
}

pub struct Server {
    pub store: Box<dyn InStore>,
    pub login: Login,
    pub engine: &'static dyn Engine,
    /// Removes the server when it is dropped.
    pub _keep: Box<dyn Any>,
}

pub fn login(user: Option<&str>, database: Option<&str>) -> Login {
    let owned = |text: Option<&str>| text.map(str::to_owned);
    let password = Some("it's $a \"secret\" \\ ü".to_owned());
    Login {
        port: if user.is_some() { 5432 } else { 6379 },
        user: owned(user),
        password,
        database: owned(database),
    }
}

impl Server {
    /// A server that answers a login.
    pub async fn ready(
        ground: &dyn Ground,
        kind: EngineKind,
        settings: &[(&str, &str)],
        login: Login,
    ) -> Self {
        let server = ground.start(kind, settings, &login).await;
        let mut last = String::new();
        for _ in 0..600 {
            match server.engine.answers(&*server.store, &server.login).await.unwrap() {
                Answer::Yes => return server,
                Answer::NotYet(words) => last = words,
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("the server never answered: {last}");
    }

    /// Loads a seed, and checks that every byte of it was counted.
    pub async fn load(&self, folder: &Path, name: &str) -> Result<Loaded, EngineError> {
        let seed = seed::open(folder, name, self.engine.kind()).unwrap();
        let count = Arc::new(seed::Count::default());
        let (loaded, hash) = seed.load(self.engine, &*self.store, &self.login, count.clone()).await?;
        assert_eq!(count.bytes(), seed.bytes());
        assert!(hash.starts_with("sha256:"));
        Ok(loaded)
    }

    pub async fn count(&self) -> Option<u64> {
        self.engine.ask(&*self.store, &self.login, &[]).await.count
    }

    /// Runs a shell line in the container, with the password in the variables of both engines' clients.
    pub async fn shell(&self, line: &str) -> String {
        let argv = ["sh", "-c", line].map(str::to_owned);
        let password = self.login.password.clone().unwrap_or_default();
        let env = ["PGPASSWORD", "REDISCLI_AUTH"].map(|name| (name.to_owned(), password.clone()));
        let said = self.store.run(&argv, &env, None).await.unwrap();
        assert_eq!(said.code, 0, "{line}: {}{}", said.stdout, said.stderr);
        said.stdout.trim_end().to_owned()
    }

    pub fn of(kind: EngineKind, store: Box<dyn InStore>, login: &Login, keep: Box<dyn Any>) -> Self {
        Self { store, login: login.clone(), engine: engine::of(kind), _keep: keep }
    }
}

/// Every argument with which programs were run meanwhile.
pub async fn spy(
    mut server: Server,
    act: impl for<'a> FnOnce(&'a Server) -> Pin<Box<dyn Future<Output = ()> + 'a>>,
) -> Vec<String> {
    let seen = Arc::new(std::sync::Mutex::new(Vec::new()));
    server.store = Box::new(Spy { inner: server.store, seen: seen.clone() });
    act(&server).await;
    let seen = seen.lock().unwrap();
    assert!(!seen.is_empty());
    seen.clone()
}

struct Spy {
    inner: Box<dyn InStore>,
    seen: Arc<std::sync::Mutex<Vec<String>>>,
}

impl InStore for Spy {
    fn run<'a>(
        &'a self,
        argv: &'a [String],
        env: &'a [(String, String)],
        stdin: Option<engine::Reader>,
    ) -> engine::Later<'a, Result<engine::Output, engine::InStoreError>> {
        self.seen.lock().unwrap().extend_from_slice(argv);
        self.inner.run(argv, env, stdin)
    }

    fn restart(&self) -> engine::Later<'_, Result<(), engine::InStoreError>> {
        self.inner.restart()
    }
}
