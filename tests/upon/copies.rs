//! `cp`: files land where `docker cp` would put them, with their modes and links.

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path, process::Command};

use crate::ground::User;

/// What lies below a folder: kind, mode, link, size.
const LIST: &str =
    "find . -mindepth 1 \\( -type d -printf '%P %y %m\\n' -o -printf '%P %y %m %l %s\\n' \\) | sort";

fn tree(home: &Path) {
    let dir = home.join("dir");
    fs::create_dir_all(dir.join("sub")).unwrap();
    fs::write(home.join("file"), "of here").unwrap();
    fs::write(home.join("co:lon"), "named so").unwrap();
    fs::write(dir.join("sub/run"), vec![7; 3 << 20]).unwrap();
    fs::write(dir.join(".hidden"), "h").unwrap();
    fs::set_permissions(dir.join("sub/run"), fs::Permissions::from_mode(0o4750)).unwrap();
    std::os::unix::fs::symlink("sub/run", dir.join("link")).unwrap();
    std::os::unix::fs::symlink("nowhere", dir.join("broken")).unwrap();
}

fn listed_here(folder: &Path) -> String {
    let listed = Command::new("sh").args(["-c", LIST]).current_dir(folder).output().unwrap();
    String::from_utf8(listed.stdout).unwrap()
}

#[test]
fn copies_land_where_docker_puts_them() {
    let locked = "read_only: true\nvolumes: {/open: {empty: {}}}\n";
    let it = User::new("copies", |profile| {
        profile.shell("web", "mkdir -p /c/d; echo old > /c/f; sleep 600", "").shell(
            "locked",
            "sleep 600",
            locked,
        )
    });
    it.up(&[]).ok();
    let home = it.cli.home.path().to_owned();
    tree(&home);
    let cp = |from: &str, to: &str| it.cli.run_in(&home, &["cp", &it.name, from, to]);
    let sh = |line: &str| it.run("exec", &["web", "--", "sh", "-c", line]).ok().stdout;

    for (from, to, there) in [
        ("file", "web:/c/d", "/c/d/file"),
        ("file", "web:/c/d/", "/c/d/file"),
        ("file", "web:/c/new", "/c/new"),
        ("file", "web:/c/f", "/c/f"),
    ] {
        cp(from, to).ok();
        assert_eq!(sh(&format!("cat {there}; rm {there}")), "of here", "{from} to {to}");
    }
    cp("./co:lon", "web:/c/o:ther").ok();
    assert_eq!(sh("cat /c/o:ther"), "named so");
    for (from, to, there) in
        [("dir", "web:/c/d", "/c/d/dir"), ("dir", "web:/c/n", "/c/n"), ("dir/.", "web:/c/m", "/c/m")]
    {
        let _ = cp(from, to);
        assert_eq!(sh(&format!("cd {there} && {LIST}")), listed_here(&home.join("dir")), "{from} to {to}");
    }

    cp("web:/c/n", "out").ok();
    assert_eq!(listed_here(&home.join("out")), listed_here(&home.join("dir")));
    cp("web:/c/n/sub/run", "one").ok();
    assert_eq!(fs::read(home.join("one")).unwrap(), vec![7; 3 << 20]);
    let packed = it.cli.command(&["cp", &it.name, "web:/c/n", "-"]).output().unwrap();
    assert!(packed.status.success());
    sh("mkdir /unpacked");
    it.cli.fed(&["cp", &it.name, "-", "web:/unpacked"], &packed.stdout).ok();
    assert_eq!(sh(&format!("cd /unpacked/n && {LIST}")), listed_here(&home.join("dir")));

    assert!(cp("web:/none", "back").code(4).stderr.contains("there is no /none in web"));
    let closed = cp("file", "locked:/etc/x").code(4);
    assert!(closed.stderr.to_lowercase().contains("read-only"), "{closed}");
    cp("file", "locked:/open/x").ok();
    assert_ne!(
        it.cli.fed(&["cp", &it.name, "-", "web:/unpacked"], &[b'x'; 2000]).code,
        0,
        "no archive at all"
    );
    for (from, to) in
        [("file", "here"), ("file", "nobody:/c"), ("file", "web/7:/c"), ("file", "web:/c/none/")]
    {
        cp(from, to).code(2);
    }
}
