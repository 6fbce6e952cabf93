//! The store of a real mirror, reached as the product itself reaches it.

use std::{
    future::Future,
    path::PathBuf,
    pin::Pin,
    sync::{Arc, Mutex},
};

use prodmirror::{
    backend::{
        Unheard,
        compose::{Compose, Connection, Settings},
    },
    engine::Login,
    mirror::Inside,
    name::Name,
    profile::EngineKind,
    render::Templates,
};

use crate::{
    cli::Cli,
    ground::{Ground, Server},
};

/// One mirror with one store, gone with this value.
pub struct Mirror {
    cli: Cli,
    name: String,
    /// The profile of the last `up`; none before the first.
    last: Mutex<Option<String>>,
}

impl Mirror {
    pub fn new() -> Self {
        let cli = Cli::new();
        let name = cli.name("engine");
        Self { cli, name, last: Mutex::default() }
    }

    /// Brings the mirror up with this profile, the store as it is after an empty seed.
    fn up(&self, text: String, password: &str) {
        let file = self.cli.file("prodmirror.yaml", &text).display().to_string();
        let password = self.cli.file("given/password", password).display().to_string();
        let mut last = self.last.lock().unwrap();
        if last.as_ref() != Some(&text) {
            let secret = format!("password=@{password}");
            self.cli.run(&["up", "-f", &file, "--secret", &secret]).ok();
        }
        if last.replace(text).is_some() {
            self.cli.run(&["reset", &self.name, "store"]).ok();
        }
    }

    async fn connect(&self) -> Compose {
        let variable = |name: &str| std::env::var(name).ok();
        let connection = Connection {
            host: variable("DOCKER_HOST"),
            config_dir: variable("HOME").map(|home| PathBuf::from(home).join(".docker")),
            context: variable("DOCKER_CONTEXT"),
        };
        let settings = Settings {
            state_dir: self.cli.home.path().join("state"),
            self_exe: None,
            docker: PathBuf::from("docker"),
            environment: Vec::new(),
            templates: Arc::new(Templates::embedded()),
        };
        Compose::connect(&connection, settings).await.expect("the engine that `up` has just used")
    }
}

impl Ground for Mirror {
    fn start<'a>(
        &'a self,
        engine: EngineKind,
        settings: &'a [(&'a str, &'a str)],
        login: &'a Login,
    ) -> Pin<Box<dyn Future<Output = Server> + 'a>> {
        Box::pin(async move {
            let text = profile(&self.name, engine, settings, login);
            self.up(text, login.password.as_deref().unwrap_or_default());
            let (name, store) = (Name::new(self.name.as_str()).unwrap(), Name::new("store").unwrap());
            // A server lives as long as the test's own process.
            let backend: &'static Compose = Box::leak(Box::new(self.connect().await));
            let store = Inside::new(backend, &Unheard, &name, &store);
            Server::of(engine, Box::new(store), login, Box::new(()))
        })
    }
}

fn profile(name: &str, engine: EngineKind, settings: &[(&str, &str)], login: &Login) -> String {
    let image = match engine {
        EngineKind::Postgres => "local:prodmirror-built/postgres:15",
        EngineKind::Redis => "local:prodmirror-built/redis:7",
    };
    let settings: serde_json::Map<String, serde_json::Value> =
        settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).into())).collect();
    let mut store = serde_json::json!({
        "engine": engine.as_str(),
        "image": image,
        "user": login.user,
        "database": login.database,
        "password": "${secret:password}",
        "settings": settings,
    });
    // What is not written is left out: null is an error.
    if let Some(fields) = store.as_object_mut() {
        fields.retain(|_, value| !value.is_null());
    }
    let document = serde_json::json!({
        "apiVersion": "prodmirror/v1",
        "name": name,
        "secrets": ["password"],
        "stores": {"store": store},
    });
    // JSON is YAML.
    document.to_string()
}
