//! What differs between two images, and in which words it is said.

use prodmirror::image::{ImageDiff, Section, compare, text};
use serde_json::json;

use super::archives::{Packing, Tar, differing, image, layout, packed, read, saved, tar_of, write};

const STATUS: &str = "\
Package: libc6
Status: install ok installed
Architecture: amd64
Version: 2.36-9

Package: tzdata
Status: install ok installed
Architecture: all
Version: 2024a-0

Package: gone
Status: deinstall ok config-files
Architecture: all
Version: 1
";

fn debian(libc: &str, zone: &str) -> Vec<u8> {
    let glibc = format!("GNU C Library (Debian GLIBC {libc}-9) stable release version {libc}.\n");
    Tar::new()
        .directory("usr/lib/")
        .link("lib", "usr/lib")
        .link("etc/os-release", "../usr/lib/os-release")
        .file("usr/lib/os-release", b"PRETTY_NAME=\"Debian GNU/Linux 12\"\nID=debian\n")
        .with("usr/lib/x86_64-linux-gnu/libc.so.6", glibc.as_bytes(), 0o755)
        .file("usr/share/zoneinfo/tzdata.zi", format!("# version {zone}\n").as_bytes())
        .link("etc/localtime", "/usr/share/zoneinfo/Etc/UTC")
        .file("var/lib/dpkg/status", STATUS.replace("2024a", zone).as_bytes())
        .file("etc/passwd", b"root:x:0:0:root:/root:/bin/bash\napp:$6$hash:10:10::/:/bin/sh\n")
        .file("etc/group", b"root:x:0:\nstaff:x:50:app\n")
        .bytes()
}

fn changed(diff: &ImageDiff, section: Section) -> Vec<String> {
    let ours = diff.changes.iter().filter(|change| change.section == section);
    ours.map(|change| {
        let side = |value: &Option<String>| value.clone().unwrap_or_else(|| "-".to_owned());
        format!("{}: {} -> {}", change.name, side(&change.from), side(&change.to))
    })
    .collect()
}

#[test]
fn the_same_image_is_the_same_however_it_is_packed() {
    let layers = [debian("2.36", "2024a"), Tar::new().file("app/x", b"1").bytes()];
    let run = json!({"Env": ["A=1"], "Cmd": ["x"]});
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), &layout(&layers, Packing::Gzip, run.clone()));
    let wanted = prodmirror::layers::Wanted::default();
    let first = read(&saved(&layers, run.clone())).unwrap();
    let others = [
        read(&tar_of(&layout(&layers, Packing::Plain, run.clone()))).unwrap(),
        read(&tar_of(&layout(&layers, Packing::Zstd, run.clone()))).unwrap(),
        read(&packed(&tar_of(&layout(&layers, Packing::Gzip, run.clone())), Packing::Zstd)).unwrap(),
        read(&packed(&saved(&layers, run), Packing::Gzip)).unwrap(),
        prodmirror::layers::read_path("folder", folder.path(), &wanted).unwrap(),
    ];
    for other in others {
        let diff = compare(&first, &other);
        assert!(diff.same, "{}", text(&diff, true));
        assert_eq!(diff.a.packages, 3);
        assert_eq!(diff.a.libc, "glibc 2.36 (Debian GLIBC 2.36-9)");
    }
}

#[test]
fn libc_zone_data_and_packages_come_first() {
    let diff = differing(&[debian("2.36", "2024a")], &[debian("2.31", "2025b")]);
    assert_eq!(
        changed(&diff, Section::Libc),
        ["libc: glibc 2.36 (Debian GLIBC 2.36-9) -> glibc 2.31 (Debian GLIBC 2.31-9)"]
    );
    assert_eq!(changed(&diff, Section::Zone), ["data: 2024a -> 2025b"]);
    assert_eq!(changed(&diff, Section::Packages), ["dpkg tzdata: 2024a-0 -> 2025b-0"]);
    let sections: Vec<Section> = diff.changes.iter().map(|change| change.section).collect();
    assert!(sections.is_sorted());
    insta::assert_snapshot!(text(&diff, false));
}

#[test]
fn packages_of_apk_and_rpm_are_read_from_their_databases() {
    let database = |name: &str, packed: &[u8]| (name.to_owned(), zstd::decode_all(packed).unwrap());
    let apk = Tar::new()
        .file(
            "lib/apk/db/installed",
            b"C:Q1x\nP:musl\nV:1.2.4-r2\nA:x86_64\n\nC:Q1y\nP:busybox\nV:1.36-r5\nA:x86_64\n\n",
        )
        .with("lib/ld-musl-x86_64.so.1", b"x\x001.2.4\x00", 0o755);
    let mut rpm = Tar::new();
    for (path, bytes) in [
        database("var/lib/rpm/rpmdb.sqlite", include_bytes!("rpmdb.sqlite.zst")),
        database("usr/share/rpm/Packages", include_bytes!("Packages.zst")),
    ] {
        rpm = rpm.file(&path, &bytes);
    }
    let diff = differing(&[apk.bytes()], &[rpm.bytes()]);
    assert_eq!(
        changed(&diff, Section::Packages),
        [
            "apk busybox: 1.36-r5 -> -",
            "apk musl: 1.2.4-r2 -> -",
            "rpm shadow: - -> 2:4.9-8, 2:4.9-8",
            "rpm tzdata: - -> 2024a-1.el9, 2024a-1.el9"
        ]
    );
    assert_eq!(changed(&diff, Section::Libc), ["libc: musl 1.2.4 -> none"]);
    assert!(diff.incomparable.is_empty());
}

#[test]
fn a_database_that_cannot_be_read_is_named_and_never_equal() {
    let image = |content: &[u8]| Tar::new().file("var/lib/rpm/Packages.db", content).bytes();
    let diff = differing(&[image(b"RpmP nonsense")], &[Tar::new().bytes()]);
    assert!(
        diff.incomparable
            .iter()
            .any(|unread| unread.name.contains("Packages.db") && unread.why.contains("ndb")),
        "{diff:?}"
    );
    // Byte for byte the same file cannot hide a difference.
    let diff =
        differing(&[image(b"no database"), debian("2", "1")], &[debian("2", "1"), image(b"no database")]);
    assert!(diff.same, "{}", text(&diff, true));
}

#[test]
fn a_database_with_a_journal_is_not_the_whole_truth() {
    let database = zstd::decode_all(&include_bytes!("rpmdb.sqlite.zst")[..]).unwrap();
    let with = |journal: &[u8]| {
        Tar::new()
            .file("var/lib/rpm/rpmdb.sqlite", &database)
            .file("var/lib/rpm/rpmdb.sqlite-wal", journal)
            .bytes()
    };
    let diff = differing(&[with(b"")], &[with(b"frames")]);
    assert!(diff.incomparable.iter().any(|unread| unread.why.contains("journal")), "{diff:?}");
}

#[test]
fn passwords_of_users_are_never_shown() {
    let people = |line: &str| Tar::new().file("etc/passwd", format!("app:{line}\n").as_bytes()).bytes();
    let diff = differing(&[people("$6$secrethash:10:10::/:/bin/sh")], &[people("x:10:10::/:/bin/sh")]);
    let shown = text(&diff, true) + &serde_json::to_string(&diff).unwrap();
    assert!(shown.contains("with a password in the file") && !shown.contains("secrethash"), "{shown}");
}

#[test]
fn whiteouts_opaque_folders_and_hard_links_are_seen_as_a_container_sees_them() {
    let base = Tar::new()
        .file("etc/a", b"1")
        .file("etc/b", b"2")
        .file("srv/old/x", b"3")
        .hard_link("etc/c", "etc/b")
        .bytes();
    let above = Tar::new()
        .file("etc/.wh.a", b"")
        .directory("srv/")
        .file("srv/.wh..wh..opq", b"")
        .file("srv/new", b"4")
        .hard_link("etc/d", "etc/c")
        .bytes();
    let diff = differing(std::slice::from_ref(&base), &[base.clone(), above]);
    let lines: Vec<String> = diff
        .files
        .iter()
        .map(|change| format!("{:?} {} by {:?}{}", change.op, change.path, change.image, change.layer))
        .collect();
    assert_eq!(
        lines,
        [
            "Remove etc/a by B1",
            "Add etc/d by B1",
            "Add srv/new by B1",
            "Remove srv/old by B1",
            "Remove srv/old/x by B1"
        ]
    );
    assert_eq!(diff.layers.iter().filter(|sum| sum.shared).count(), 2);
    assert_eq!(diff.layers.iter().map(|sum| sum.added + sum.removed).sum::<usize>(), 5);
}

#[test]
fn a_change_is_laid_at_the_door_of_the_layer_that_the_other_image_has_not() {
    let base = Tar::new().file("etc/a", b"1").bytes();
    let above = Tar::new().file("etc/a", b"2").file("etc/.wh.b", b"").bytes();
    let diff = differing(&[base.clone(), above], &[base]);
    let change = &diff.files[0];
    assert_eq!(
        (format!("{:?}", change.image), change.layer, change.what.clone()),
        ("A".to_owned(), 1, vec!["content"])
    );
}

#[test]
fn modes_owners_and_attributes_of_files_count() {
    let diff = differing(
        &[Tar::new().with("bin/x", b"1", 0o755).bytes()],
        &[Tar::new().with("bin/x", b"1", 0o4755).bytes()],
    );
    assert_eq!(diff.files[0].what, ["mode"]);
    assert_eq!(diff.files[0].to.as_ref().unwrap().mode.as_deref(), Some("4755"));
}

#[test]
fn the_configuration_is_compared_key_by_key() {
    let read = |run| read(&tar_of(&layout(&[debian("2", "1")], Packing::Plain, run))).unwrap();
    let a =
        read(json!({"Env": ["LANG=C", "A=1"], "Cmd": ["run"], "ExposedPorts": {"80/tcp": {}}, "User": ""}));
    let b = read(
        json!({"Env": ["LANG=C.UTF-8"], "Cmd": ["run", "x"], "Labels": {"v": "2"}, "ArgsEscaped": true}),
    );
    assert_eq!(
        changed(&compare(&a, &b), Section::Configuration),
        [
            "ArgsEscaped: - -> true",
            "command: [\"run\"] -> [\"run\",\"x\"]",
            "env A: 1 -> -",
            "env LANG: C -> C.UTF-8",
            "label v: - -> 2",
            "port 80/tcp:  -> -"
        ]
    );
}

#[test]
fn runtimes_are_found_by_their_files() {
    let mut go = b"\xff Go buildinf:\x08\x02".to_vec();
    go.extend([0; 16]);
    go.extend(b"\x08go1.21.5\x00");
    go.resize(300 << 10, 0);
    let layer = Tar::new()
        .with("usr/bin/python3.11", b"\x003.11.2\x00", 0o755)
        .with("usr/local/bin/node", b"\x00v20.11.1\x00", 0o755)
        .with("app/server", &go, 0o755)
        .with("usr/bin/perl5.36.0", &vec![0; 300 << 10], 0o755)
        .bytes();
    let facts = prodmirror::image::Facts::of(&image(&[layer]));
    let runtimes: Vec<String> =
        facts.section(Section::Runtimes).map(|(name, value)| format!("{name}: {value}")).collect();
    assert_eq!(
        runtimes,
        [
            "go program app/server: go1.21.5",
            "node: 20.11.1 at /usr/local/bin/node",
            "perl: 5.36.0 at /usr/bin/perl5.36.0",
            "python: 3.11.2 at /usr/bin/python3.11"
        ]
    );
}
