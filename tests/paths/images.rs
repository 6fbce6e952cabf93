//! Images that are not on the engine: from an archive, and from a registry.

use std::{path::PathBuf, process::Command};

use crate::{
    cli::{Cli, docker, left_of},
    file,
    profiles::profile,
    registry::Registry,
};

/// A static program in an image of its own, saved as a tar and as a layout, and not on the engine any more.
struct Saved {
    name: String,
    digest: String,
    tars: PathBuf,
    layout: PathBuf,
}

const PROGRAM: &str = r#"#include <stdio.h>
#include <unistd.h>
int main(void) { puts("hello from the image"); fflush(stdout); for (;;) pause(); }
"#;

fn saved(cli: &Cli, name: &str) -> Saved {
    let folder = cli.home.path().join("image");
    let source = cli.file("image/hello.c", PROGRAM);
    let root = cli.file("image/root/hello", "").parent().unwrap().to_path_buf();
    let compiled = Command::new("gcc").args(["-static", "-o"]).arg(root.join("hello")).arg(&source).status();
    assert!(compiled.unwrap().success());
    // Nothing packs it, and the engine tells of a transfer by the mebibyte.
    let mut noise = vec![0; 5 << 20];
    getrandom::fill(&mut noise).unwrap();
    std::fs::write(root.join("noise"), noise).unwrap();
    let tar = folder.join("root.tar");
    let mut builder = tar::Builder::new(std::fs::File::create(&tar).unwrap());
    builder.append_dir_all(".", &root).unwrap();
    builder.finish().unwrap();
    docker(&["import", "--change", "ENTRYPOINT [\"/hello\"]", tar.to_str().unwrap(), name]);
    let digest = docker(&["image", "inspect", "--format", "{{.Id}}", name]);
    let (tars, layout) = (folder.join("tars"), folder.join("layouts/any-name"));
    std::fs::create_dir_all(&tars).unwrap();
    std::fs::create_dir_all(&layout).unwrap();
    docker(&["save", "-o", tars.join("saved.tar").to_str().unwrap(), name]);
    tar::Archive::new(std::fs::File::open(tars.join("saved.tar")).unwrap()).unpack(&layout).unwrap();
    docker(&["rmi", name]);
    Saved { name: name.to_owned(), digest, tars, layout }
}

#[test]
fn up_takes_a_missing_image_from_an_archive_of_either_kind() {
    let cli = Cli::new();
    let name = cli.name("archive");
    // Nobody listens there.
    let saved = saved(&cli, &format!("127.0.0.1:1/{name}:1"));
    let image = format!("image: \"{}@{}\"\nstop_grace_period: 0s\n", saved.name, saved.digest);
    let file = file(&cli, &profile(&name).service("hello", &image));
    let empty = cli.file("empty/README", "no image").parent().unwrap().display().to_string();

    let failed = cli.run(&["up", "-f", &file, "--image-archive", &empty, "--format", "json"]).code(5).json();
    assert_eq!(failed["code"], "image", "{failed:#}");
    assert_eq!(left_of(&name), [""; 0], "nothing was made before the images were here");

    for archive in [&saved.tars, saved.layout.parent().unwrap()] {
        let archive = archive.display().to_string();
        cli.run(&["up", "-f", &file, "--image-archive", &archive]).ok();
        let logs = cli.run(&["logs", &name]).ok();
        assert_eq!(logs.stdout, "hello/0 | hello from the image\n");
        let ledger = cli.run(&["ledger", &name, "--format", "json"]).ok().json();
        let image =
            ledger["entries"].as_array().unwrap().iter().find(|e| e["path"] == "services.hello.image");
        assert_eq!((&image.unwrap()["grade"], &image.unwrap()["holds"]), (&"enforced".into(), &true.into()));
        cli.run(&["down", &name]).ok();
        docker(&["rmi", &saved.name]);
    }
}

#[test]
fn pin_asks_the_registry_and_up_pulls_what_it_wrote() {
    let cli = Cli::new();
    let (name, registry) = (cli.name("pulled"), Registry::start());
    let saved = saved(&cli, &format!("{}/t/{name}:1", registry.address));
    registry.holds(&saved.layout);
    let image = format!("image: \"{}\"  # the tag of today\nstop_grace_period: 0s\n", saved.name);
    let unpinned = profile(&name).service("hello", &image);
    let file = file(&cli, &unpinned);

    cli.run(&["up", "-f", &file]).code(3);
    let check = cli.run(&["pin", &file, "--check", "--format", "json"]).code(1).json();
    assert_eq!(check["pins"][0]["to"], format!("{}@{}", saved.name, saved.digest), "{check:#}");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), unpinned.text());
    cli.run(&["pin", &file]).ok();
    let pinned = std::fs::read_to_string(&file).unwrap();
    assert_eq!(pinned, unpinned.text().replace(&saved.name, &format!("{}@{}", saved.name, saved.digest)));
    assert!(pinned.contains("# the tag of today"));
    cli.run(&["pin", &file, "--check"]).ok();

    let up = cli.on_terminal(&["up", "-f", &file], b"").ok();
    let drawn = format!("pulling {}", saved.name);
    assert!(up.stdout.contains(&drawn) && up.stdout.contains(" MiB/5"), "a bar with its bytes: {up}");
    assert_eq!(cli.run(&["logs", &name]).ok().stdout, "hello/0 | hello from the image\n");
    let again = cli.run(&["up", "-f", &file]).ok();
    assert!(!again.stderr.contains(&saved.name), "it is here, and not pulled again: {again}");
    cli.run(&["down", &name]).ok();
    docker(&["rmi", &format!("{}@{}", saved.name, saved.digest)]);
}

#[test]
fn a_digest_that_the_registry_does_not_have_is_an_image_error_and_makes_nothing() {
    let cli = Cli::new();
    let (name, registry) = (cli.name("nodigest"), Registry::start());
    let saved = saved(&cli, &format!("{}/t/{name}:1", registry.address));
    registry.holds(&saved.layout);
    let image = format!("image: \"{}@sha256:{}\"\n", saved.name, "0".repeat(64));
    let file = file(&cli, &profile(&name).service("hello", &image));
    let failed = cli.run(&["up", "-f", &file, "--format", "json"]).code(5).json();
    assert_eq!(failed["code"], "image", "{failed:#}");
    assert!(failed["message"].as_str().unwrap().contains("not found"), "{failed:#}");
    assert_eq!(left_of(&name), [""; 0]);
}

#[test]
fn a_registry_that_wants_a_login_is_given_the_users_own() {
    let cli = Cli::new();
    let (name, registry) = (cli.name("login"), Registry::start());
    let saved = saved(&cli, &format!("{}/t/{name}:1", registry.address));
    registry.holds(&saved.layout);
    // me:word
    registry.wants("bWU6d29yZA==");
    let image = format!("image: \"{}\"\nstop_grace_period: 0s\n", saved.name);
    let file = file(&cli, &profile(&name).service("hello", &image));
    let folder = cli.file("docker/config.json", "{}").parent().unwrap().to_path_buf();
    let run = |words: &[&str]| -> crate::cli::Done {
        cli.command(words).env("DOCKER_CONFIG", &folder).output().unwrap().into()
    };
    run(&["pin", &file]).code(4);
    let up = ["up", "-f", &file, "--allow-unpinned", "--format", "json"];
    let failed = run(&up).code(5).json();
    assert_eq!(failed["code"], "image", "{failed:#}");
    assert!(failed["hint"].as_str().unwrap().contains("docker login"), "{failed:#}");

    // A helper that is not there is told where the registry says no.
    cli.file("docker/config.json", r#"{"credsStore": "absent"}"#);
    let failed = run(&up).code(5).json();
    assert!(failed["message"].as_str().unwrap().contains("docker-credential-absent"), "{failed:#}");

    let auths = format!(r#"{{"auths": {{"{}": {{"auth": "bWU6d29yZA=="}}}}}}"#, registry.address);
    cli.file("docker/config.json", &auths);
    run(&["pin", &file]).ok();
    run(&["up", "-f", &file]).ok();
    assert_eq!(run(&["logs", &name]).ok().stdout, "hello/0 | hello from the image\n");
    run(&["down", &name]).ok();
    docker(&["rmi", &format!("{}@{}", saved.name, saved.digest)]);
}
