//! Servers of their own, started through testcontainers from the images that `make setup` makes.

use std::{future::Future, pin::Pin, process::Stdio};

use prodmirror::{
    engine::{InStore, InStoreError, Login, Output, Reader},
    profile::EngineKind,
};
use testcontainers::{ContainerRequest, GenericImage, ImageExt, runners::AsyncRunner};
use tokio::{io::AsyncWriteExt, process::Command};

use crate::ground::{Ground, Server};

pub struct Servers;

type Later<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

impl Ground for Servers {
    fn start<'a>(
        &'a self,
        engine: EngineKind,
        settings: &'a [(&'a str, &'a str)],
        login: &'a Login,
    ) -> Pin<Box<dyn Future<Output = Server> + 'a>> {
        Box::pin(async move {
            let image = match engine {
                EngineKind::Postgres => postgres(settings, login),
                EngineKind::Redis => redis(settings, login),
            };
            let container = image.start().await.unwrap_or_else(|error| {
                panic!("cannot start {}: {error}\nrun `make setup`, which makes the images", engine.as_str())
            });
            let store = InContainer { id: container.id().to_owned() };
            Server::of(engine, Box::new(store), login, Box::new(container))
        })
    }
}

fn postgres(settings: &[(&str, &str)], login: &Login) -> ContainerRequest<GenericImage> {
    let set = settings.iter().flat_map(|(name, value)| ["-c".to_owned(), format!("{name}={value}")]);
    let command = ["postgres", "-c", "fsync=off"].map(str::to_owned).into_iter().chain(set);
    GenericImage::new("prodmirror-built/postgres", "15")
        .with_cmd(command)
        .with_env_var("POSTGRES_USER", login.user.as_deref().unwrap_or("postgres"))
        .with_env_var("POSTGRES_DB", login.database.as_deref().unwrap_or("postgres"))
        .with_env_var("POSTGRES_PASSWORD", login.password.clone().unwrap_or_default())
}

fn redis(settings: &[(&str, &str)], login: &Login) -> ContainerRequest<GenericImage> {
    let set = settings.iter().flat_map(|(name, value)| [format!("--{name}"), (*value).to_owned()]);
    let password = login.password.iter().flat_map(|password| ["--requirepass".to_owned(), password.clone()]);
    let command = ["redis-server".to_owned()].into_iter().chain(set).chain(password);
    GenericImage::new("prodmirror-built/redis", "7").with_cmd(command)
}

/// Runs programs with the `docker` client: apart from the product's own way, so that the two can be compared.
struct InContainer {
    id: String,
}

impl InStore for InContainer {
    fn run<'a>(
        &'a self,
        argv: &'a [String],
        env: &'a [(String, String)],
        stdin: Option<Reader>,
    ) -> Later<'a, Result<Output, InStoreError>> {
        Box::pin(async move {
            let failed =
                |error: std::io::Error| InStoreError { what: argv.join(" "), why: error.to_string() };
            let mut docker = Command::new("docker");
            docker.args(["exec", "-i"]).args(env.iter().flat_map(|(name, _)| ["-e", name.as_str()]));
            docker.arg(&self.id).args(argv).envs(env.iter().cloned()).kill_on_drop(true);
            docker.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
            let mut child = docker.spawn().map_err(failed)?;
            let mut input = child.stdin.take().unwrap();
            let feeding = async move {
                if let Some(mut stdin) = stdin {
                    // The engine watches its own stream; a program may stop reading early.
                    let _ = tokio::io::copy(&mut stdin, &mut input).await;
                }
                let _ = input.shutdown().await;
            };
            let (done, ()) = tokio::join!(child.wait_with_output(), feeding);
            let done = done.map_err(failed)?;
            let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
            let (stdout, stderr) = (text(done.stdout), text(done.stderr));
            if stderr.contains("is not running") || stderr.contains("No such container") {
                return Err(InStoreError { what: argv.join(" "), why: stderr });
            }
            Ok(Output { code: done.status.code().unwrap_or(-1).into(), stdout, stderr })
        })
    }

    fn restart(&self) -> Later<'_, Result<(), InStoreError>> {
        Box::pin(async move {
            let done = Command::new("docker").args(["restart", &self.id]).output().await.unwrap();
            let why = String::from_utf8_lossy(&done.stderr).into_owned();
            if done.status.success() { Ok(()) } else { Err(InStoreError { what: "restart".to_owned(), why }) }
        })
    }
}
