//! `cp`, held against `docker cp`: the same is refused, and the same is there afterwards.

use std::{fs, os::unix::fs::PermissionsExt, path::Path, process::Command};

use crate::{
    cli::{Cli, docker},
    file, id,
    profiles::profile,
};

/// What lies below a folder: kind, mode, owner, link, size.
const LIST: &str = "find . -mindepth 1 \\( -type d -printf '%P %y %m %U:%G\\n' \
                    -o -printf '%P %y %m %U:%G %l %s\\n' \\) | sort";

fn listed(container: &str, folder: &str) -> String {
    docker(&["exec", container, "sh", "-c", &format!("cd {folder} && {LIST}")])
}

fn listed_here(folder: &Path) -> String {
    let listed = Command::new("sh").args(["-c", LIST]).current_dir(folder).output().unwrap();
    String::from_utf8(listed.stdout).unwrap()
}

fn refused_by_docker(words: &[&str]) -> bool {
    !Command::new("docker").arg("cp").args(words).output().unwrap().status.success()
}

/// A tree with everything that a copy may get wrong.
fn tree(home: &Path) {
    let mode = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    let link = |to: &str, path: &Path| std::os::unix::fs::symlink(to, path).unwrap();
    let dir = home.join("dir");
    fs::create_dir_all(dir.join("sub/empty")).unwrap();
    fs::write(home.join("file"), "of here").unwrap();
    fs::write(home.join("co:lon"), "named so").unwrap();
    fs::write(dir.join("sub/run"), "x").unwrap();
    fs::write(dir.join(".hidden"), "h").unwrap();
    mode(&dir.join("sub/run"), 0o4750);
    mode(&dir.join("sub/empty"), 0o500);
    mode(&home.join("file"), 0o640);
    link("sub/run", &dir.join("link"));
    link("nowhere", &dir.join("broken"));
    link("dir", &home.join("to-dir"));
    link("file", &home.join("to-file"));
    // With a hole in it, which the engine would not unpack as one.
    fs::File::create(dir.join("sparse")).unwrap().set_len(1 << 20).unwrap();
}

/// In the container and here alike: a folder with something in it, a file, and links to both.
const GROUND: &str = "mkdir -p d/sub; echo old > d/sub/old; echo old > f; ln -s d to-d; ln -s f to-f";

const IN: [(&[&str], &str); 16] = [
    (&["file"], "d"),
    (&["file"], "d/"),
    (&["file"], "new"),
    (&["file"], "new/"),
    (&["file"], "f"),
    (&["file"], "to-d"),
    (&["file"], "to-f"),
    (&["file"], "no/where"),
    (&["./co:lon"], "d/o:ther"),
    (&["dir"], "d"),
    (&["dir"], "new"),
    (&["dir/."], "d"),
    (&["dir/."], "new"),
    (&["dir"], "f"),
    (&["to-dir"], "d"),
    (&["-L", "to-file"], "d"),
];

const OUT: [(&[&str], &str); 15] = [
    (&["/out-file"], "d"),
    (&["/out-file"], "new"),
    (&["/out-file"], "f"),
    (&["/out-file"], "to-f"),
    (&["/out-file"], "to-d"),
    (&["/out-file"], "new/"),
    (&["/out-file"], "no/where"),
    (&["/out"], "d"),
    (&["/out"], "new"),
    (&["/out/."], "d"),
    (&["/out/."], "new"),
    (&["/out"], "f"),
    (&["/to-out"], "d"),
    (&["-L", "/to-out"], "d"),
    (&["/none"], "d"),
];

#[test]
fn copies_land_where_docker_puts_them() {
    let cli = Cli::new();
    let name = cli.name("copies");
    let home = cli.home.path().to_owned();
    let locked = "read_only: true\nvolumes: {/open: {empty: {}}}\n";
    let file = file(&cli, &profile(&name).web("tmpfs: {/mem: {}}\n").shell("locked", "sleep 600", locked));
    cli.run(&["up", "-f", &file]).ok();
    let container = id(&name, "web.0.main");
    tree(&home);
    let at = |who: &str, case: usize| format!("/c/{who}/{case}");
    let grounds: Vec<String> = (0..IN.len())
        .flat_map(|case| ["ours", "theirs"].map(|who| at(who, case)))
        .map(|ground| format!("mkdir -p {ground}; cd {ground}; {GROUND}"))
        .collect();
    docker(&["exec", &container, "sh", "-c", &grounds.join(";")]);
    let cp = |options: &[&str], from: &str, to: &str| {
        let words = [&["cp"], options, &[name.as_str(), from, to]].concat();
        cli.run_in(&home, &words)
    };

    for (case, (source, destination)) in IN.into_iter().enumerate() {
        let (path, options) = source.split_last().unwrap();
        let done = cp(options, path, &format!("web:{}/{destination}", at("ours", case)));
        let local = format!("{}/{}", home.display(), path.trim_start_matches("./"));
        let to = format!("{container}:{}/{destination}", at("theirs", case));
        let refused = refused_by_docker(&[options, &[&local, &to]].concat());
        assert_eq!(done.code != 0, refused, "{source:?} to {destination}: {done}");
        let (ours, theirs) = (listed(&container, &at("ours", case)), listed(&container, &at("theirs", case)));
        assert_eq!(ours, theirs, "{source:?} to {destination}");
    }

    docker(&["cp", &home.join("dir").display().to_string(), &format!("{container}:/out")]);
    let made = "cp -a /out/sub/run /out-file; ln -s /out /to-out; chown -R 12:34 /out";
    docker(&["exec", &container, "sh", "-c", made]);
    for (case, (source, destination)) in OUT.into_iter().enumerate() {
        let [ours, theirs] = ["ours", "theirs"].map(|who| {
            let folder = home.join(format!("{who}-{case}"));
            fs::create_dir_all(&folder).unwrap();
            assert!(Command::new("sh").args(["-c", GROUND]).current_dir(&folder).status().unwrap().success());
            folder
        });
        let (path, options) = source.split_last().unwrap();
        let done = cp(options, &format!("web:{path}"), &format!("{}/{destination}", ours.display()));
        let (from, to) = (format!("{container}:{path}"), format!("{}/{destination}", theirs.display()));
        let refused = refused_by_docker(&[options, &[&from, &to]].concat());
        assert_eq!(done.code != 0, refused, "{source:?} to {destination}: {done}");
        assert_eq!(listed_here(&ours), listed_here(&theirs), "{source:?} to {destination}");
    }

    // Archives through standard input and output.
    let packed = cli.command(&["cp", &name, "web:/out", "-"]).output().unwrap();
    assert!(packed.status.success());
    docker(&["exec", &container, "mkdir", "/unpacked"]);
    let fed = cli.fed(&["cp", &name, "-", "web:/unpacked"], &packed.stdout).ok();
    assert!(fed.stdout.is_empty(), "{fed}");
    assert_eq!(listed(&container, "/unpacked/out"), listed(&container, "/out"), "owners too");
    let refused = cli.fed(&["cp", &name, "-", "web:/unpacked/none"], &packed.stdout).code(2);
    assert!(refused.stderr.contains("there is no folder /unpacked/none"), "{refused}");
    assert_ne!(cli.fed(&["cp", &name, "-", "web:/unpacked"], &[b'x'; 2000]).code, 0, "no archive at all");

    // What lies in memory is reached too, where the engine's own archives would lose it without a word.
    cp(&[], "dir", "web:/mem").ok();
    cp(&[], "file", "web:/mem/dir/again").ok();
    assert_eq!(
        docker(&["exec", &container, "sh", "-c", "cat /mem/dir/again; stat -c %a /mem/dir/sub/run"]),
        "of here4750"
    );
    cp(&[], "web:/mem/dir/sub", "back").ok();
    assert_eq!(fs::metadata(home.join("back/run")).unwrap().permissions().mode() & 0o7777, 0o4750);
    assert!(cp(&[], "web:/mem/none", "back").code(4).stderr.contains("there is no /mem/none in web"));

    // Errors say what, and where.
    let missing = cp(&["--format", "json"], "none", "web:/c").code(3).json();
    assert_eq!((&missing["kind"], &missing["code"]), (&"Error".into(), &"unreadable".into()), "{missing:#}");
    let closed = cp(&["--format", "json"], "file", "locked:/etc/x").code(4).json();
    assert!(closed["message"].as_str().unwrap().contains("read-only"), "{closed:#}");
    cp(&[], "file", "locked:/open/x").ok();
    for (from, to) in
        [("web:/c", "locked:/open"), ("file", "here"), ("file", "nobody:/c"), ("file", "web/7:/c")]
    {
        cp(&[], from, to).code(2);
    }
}
