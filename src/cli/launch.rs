//! Bringing a mirror up for `up` and `run`: what becomes of a failure and of Ctrl-C.

use std::sync::atomic::{AtomicBool, Ordering};

use prodmirror::{
    backend::{Backend, SecretValues},
    formats::journal::Event,
    mirror::{self, UpRequest},
    name::Name,
};

use super::{
    failure::{Failure, exit},
    host::Host,
    progress::Drawn,
    settings::Keep,
    ui::Ui,
};

/// Brings a mirror up; on failure or Ctrl-C keeps or removes it as the contract says.
pub async fn launch(
    ui: &Ui,
    host: &Host,
    backend: &dyn Backend,
    request: UpRequest<'_>,
    keep: Keep,
) -> Result<mirror::Up, Failure> {
    let mirror = request.ask.mirror.clone();
    let file = request.file.to_path_buf();
    let drawn = Drawn::new(ui);
    // Until then nothing was made, and what stands under the name is not ours to remove.
    let begun = AtomicBool::new(false);
    let says = |changes: &[String]| {
        begun.store(true, Ordering::Relaxed);
        for line in changes {
            ui.say(format!("  {line}"));
        }
    };
    let work = mirror::up(backend, request, &drawn, &says);
    let failed = tokio::select! {
        done = work => match done {
            Ok(up) => return Ok(up),
            Err(failed) => failed,
        },
        _ = interrupted() => {
            drop(drawn);
            let failure = Failure::new("interrupted", exit::INTERRUPTED, "interrupted");
            return Err(match begun.load(Ordering::Relaxed) {
                true => after_interrupt(ui, backend, &mirror, failure).await?,
                false => failure,
            });
        }
    };
    drop(drawn);
    let mirror::UpFailed { error, run } = failed;
    let mut failure = Failure::from(error);
    let Some(run) = run else { return Err(failure) };
    let secrets = backend.secrets(&mirror).await.unwrap_or_default();
    scrub(&mut failure, &secrets);
    match mirror::keep_artifacts(backend, &mirror, &run, &host.artifacts, &secrets).await {
        Ok(folder) => failure.artifacts = Some(folder.display().to_string()),
        Err(error) => ui.warn(format!("what is left of the failure could not be kept: {error}")),
    }
    settle(ui, backend, &mirror, &run, keep, &mut failure).await;
    if failure.kept.is_some() {
        let service = failure.service.clone().unwrap_or_else(|| "SERVICE".to_owned());
        let lines = format!(
            "prodmirror logs {mirror} {service}\nprodmirror exec {mirror} {service} --fresh -- sh\nprodmirror down {mirror}"
        );
        failure.hint = Some(failure.hint.map_or(lines.clone(), |hint| format!("{hint}\n{lines}")));
    }
    let _ = file;
    Err(failure)
}

/// What was made is removed, unless it was made over a mirror that was up: what that holds is the user's.
async fn after_interrupt(
    ui: &Ui,
    backend: &dyn Backend,
    mirror: &Name,
    failure: Failure,
) -> Result<Failure, Failure> {
    let status = backend.says(mirror).await.ok().flatten().unwrap_or_default();
    let Some(run) = status.run.filter(|_| status.was_up) else {
        ui.say("interrupted: removing what was made");
        let drawn = Drawn::new(ui);
        mirror::abandon(backend, mirror, &drawn).await?;
        return Ok(failure);
    };
    let (code, message) = (failure.code.clone(), failure.message.clone());
    let event = Event::UpFailed { run, code, message, expires: status.expires };
    backend.note(mirror, &event, &Drawn::new(ui)).await?;
    Ok(failure.hint(format!(
        "the mirror was up before and stays, changed in part: the same `up` goes on, `prodmirror down {mirror}` removes it"
    )))
}

/// A failure's texts without any secret value.
fn scrub(failure: &mut Failure, secrets: &SecretValues) {
    let clean = |text: &mut String| *text = mirror::redacted(text, secrets);
    clean(&mut failure.message);
    failure.last_answer.iter_mut().for_each(clean);
    failure.log_tail.iter_mut().for_each(clean);
}

/// Keeps the failed mirror for a while, or removes it.
async fn settle(ui: &Ui, backend: &dyn Backend, mirror: &Name, run: &str, keep: Keep, failure: &mut Failure) {
    let expires = match keep {
        Keep::Never => {
            let drawn = Drawn::new(ui);
            if let Err(error) = mirror::abandon(backend, mirror, &drawn).await {
                ui.warn(format!("`prodmirror gc` must finish the removal: {error}"));
            }
            return;
        }
        Keep::For(span) => mirror::expiry(span),
        Keep::Forever => None,
    };
    let event = Event::UpFailed {
        run: run.to_owned(),
        code: failure.code.clone(),
        message: failure.message.clone(),
        expires: expires.clone(),
    };
    match backend.note(mirror, &event, &Drawn::new(ui)).await {
        Ok(()) => failure.kept = Some(expires.unwrap_or_else(|| "forever".to_owned())),
        Err(error) => ui.warn(format!("the mirror is not kept, `prodmirror gc` will take it: {error}")),
    }
}

pub async fn interrupted() {
    let mut term = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()).ok();
    let terminated = async {
        match &mut term {
            Some(term) => {
                term.recv().await;
            }
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        () = terminated => {}
    }
}
