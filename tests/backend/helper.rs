//! The helper image: made once from the program itself, or given.

use std::process::{Command, Stdio};

use prodmirror::backend::{
    BackendError, HelperSource,
    compose::{HELPER_PATH, helper_tar},
};

use crate::ground::{compose, docker, program};

fn arch() -> &'static str {
    if cfg!(target_arch = "aarch64") { "arm64" } else { "amd64" }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_helper_image_runs_the_program_and_is_loaded_once() {
    let state = tempfile::tempdir().unwrap();
    let compose = compose(state.path()).await;
    let missing = state.path().join("none");
    let source = HelperSource::Files(vec![missing, program()]);
    let reference = compose.ensure_helper(&source, arch()).await.unwrap();
    let id = || docker(&["image", "inspect", "--format", "{{.Id}}", &reference]);
    let first = id();
    assert_eq!(compose.ensure_helper(&source, arch()).await.unwrap(), reference);
    assert_eq!(id(), first);
    assert_eq!(
        docker(&["image", "inspect", "--format", "{{.Config.Entrypoint}}", &reference]),
        format!("[{HELPER_PATH}]")
    );
    let output = Command::new("docker")
        .args(["run", "--rm", "--network", "none", &reference, "carry"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    let given = compose.ensure_helper(&HelperSource::Reference(reference.clone()), arch()).await.unwrap();
    assert_eq!(given, reference);
}

#[tokio::test(flavor = "multi_thread")]
async fn docker_load_makes_the_same_image_from_the_file_of_a_bundle() {
    let state = tempfile::tempdir().unwrap();
    let compose = compose(state.path()).await;
    let reference = compose.ensure_helper(&HelperSource::Files(vec![program()]), arch()).await.unwrap();
    let before = docker(&["image", "inspect", "--format", "{{.Id}}", &reference]);
    let file = state.path().join("helper.tar");
    let tar = helper_tar(&program(), arch()).unwrap();
    tar.write_to(std::fs::File::create(&file).unwrap()).unwrap();
    assert_eq!(tar.tag(), reference);
    let loaded =
        Command::new("docker").args(["load", "-i"]).arg(&file).stdout(Stdio::null()).status().unwrap();
    assert!(loaded.success());
    assert_eq!(docker(&["image", "inspect", "--format", "{{.Id}}", &reference]), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_file_that_fits_nothing_is_made() {
    let state = tempfile::tempdir().unwrap();
    let compose = compose(state.path()).await;
    let script = state.path().join("script");
    std::fs::write(&script, "#!/bin/sh\n").unwrap();
    let error = compose.ensure_helper(&HelperSource::Files(vec![script]), arch()).await.unwrap_err();
    assert!(matches!(error, BackendError::NoHelper { .. }), "{error}");
    let other = if arch() == "amd64" { "arm64" } else { "amd64" };
    let error = compose.ensure_helper(&HelperSource::Files(vec![program()]), other).await.unwrap_err();
    assert!(error.to_string().contains(other), "{error}");
    let reference = HelperSource::Reference("localhost:1/no/such@sha256:".to_owned() + &"a".repeat(64));
    assert!(matches!(compose.ensure_helper(&reference, arch()).await, Err(BackendError::Image { .. })));
}
