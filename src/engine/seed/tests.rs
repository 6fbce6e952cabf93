use std::io::Write;

use tokio::io::AsyncReadExt;

use super::*;

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    ::zstd::encode_all(bytes, 1).unwrap()
}

async fn read(seed: &Seed) -> (Vec<(String, Vec<u8>)>, String, u64) {
    let count = Arc::new(Count::default());
    let (mut files, mut all) = (seed.read(count.clone()), Vec::new());
    while let Some(mut file) = files.next() {
        let mut bytes = Vec::new();
        file.content.read_to_end(&mut bytes).await.unwrap();
        all.push((file.name, bytes));
    }
    let hash = files.hash().await.unwrap();
    (all, hash, count.bytes())
}

fn problem(folder: &Path, seed: &str, engine: EngineKind) -> String {
    open(folder, seed, engine).expect_err(seed).to_string()
}

#[test]
fn formats_are_told_by_content_and_then_by_name() {
    let root = folder();
    let mut tar = vec![0; 1024];
    tar[257..262].copy_from_slice(b"ustar");
    let mut tar_dump = tar.clone();
    tar_dump[..8].copy_from_slice(b"toc.dat\0");
    tar_dump[512..523].copy_from_slice(b"PGDMP\x01\x0e\x00\x04\x08\x03");
    let known: [(&str, &[u8], EngineKind, SeedFormat); 8] = [
        ("a.sql", b"select 1;", EngineKind::Postgres, SeedFormat::Sql),
        ("b.dump", b"PGDMP\x01", EngineKind::Postgres, SeedFormat::PgCustom),
        ("c.sql", b"PGDMP\x01", EngineKind::Postgres, SeedFormat::PgCustom),
        ("d.tar", &tar, EngineKind::Postgres, SeedFormat::PgDirectory),
        ("e.tar", &tar_dump, EngineKind::Postgres, SeedFormat::PgTar),
        ("f", b"--\n-- PostgreSQL database dump\n", EngineKind::Postgres, SeedFormat::Sql),
        ("g.bin", b"REDIS0009", EngineKind::Redis, SeedFormat::Rdb),
        ("h.redis", b"SET a 1\n", EngineKind::Redis, SeedFormat::Resp),
    ];
    for (name, content, engine, format) in known {
        for (end, content) in [("", content.to_vec()), (".gz", gzip(content)), (".zst", zstd(content))] {
            let name = format!("{name}{end}");
            fs::write(root.path().join(&name), content).unwrap();
            let seed = open(root.path(), &name, engine).expect(&name);
            assert_eq!(seed.files().next(), Some((name.as_str(), format)), "{name}");
        }
    }
}

#[test]
fn what_is_no_seed_says_what_would_be() {
    let root = folder();
    fs::write(root.path().join("a.txt"), "hello").unwrap();
    fs::write(root.path().join("b.sql"), "select 1").unwrap();
    fs::write(root.path().join("c.sql.gz"), [0x1f, 0x8b, 9, 9, 9]).unwrap();
    fs::create_dir(root.path().join("empty")).unwrap();
    fs::write(root.path().join("empty/.gitkeep"), "").unwrap();
    fs::create_dir_all(root.path().join("deep/er")).unwrap();
    std::os::unix::fs::symlink("loop", root.path().join("loop")).unwrap();
    let message = problem(root.path(), "a.txt", EngineKind::Postgres);
    assert!(message.contains("a.txt is no seed that is known") && message.contains(".sql"), "{message}");
    let message = problem(root.path(), "b.sql", EngineKind::Redis);
    assert!(message.contains("plain SQL, which Redis does not take"), "{message}");
    assert!(problem(root.path(), "c.sql.gz", EngineKind::Postgres).starts_with("c.sql.gz: "));
    assert!(problem(root.path(), "gone", EngineKind::Redis).contains("there is no seed `gone`"));
    assert!(problem(root.path(), "empty", EngineKind::Redis).contains("holds no seed file"));
    assert!(problem(root.path(), "deep", EngineKind::Redis).contains("deep/er is neither a file"));
    assert!(problem(root.path(), "loop", EngineKind::Redis).starts_with("loop: "));
    assert!(problem(root.path(), "/dev/null", EngineKind::Redis).contains("neither a file"));
}

#[tokio::test]
async fn a_folder_is_read_in_order_of_name_and_counted_in_bytes_on_disk() {
    let root = folder();
    fs::create_dir(root.path().join("seed")).unwrap();
    let big = vec![b'x'; 700_000];
    for (name, content) in
        [("10.sql.zst", zstd(&big)), ("2.sql", b"two".to_vec()), ("02.sql.gz", gzip(b"first"))]
    {
        fs::write(root.path().join("seed").join(name), content).unwrap();
    }
    let seed = open(root.path(), "./seed/", EngineKind::Postgres).unwrap();
    let (files, hash, count) = read(&seed).await;
    let names: Vec<_> = files.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["seed/02.sql.gz", "seed/10.sql.zst", "seed/2.sql"]);
    assert!(files[0].1 == b"first" && files[1].1 == big && files[2].1 == b"two");
    assert_eq!(count, seed.bytes());
    assert_eq!(hash, read(&seed).await.1, "the same files have the same identity");

    fs::write(root.path().join("seed/2.sql"), "twa").unwrap();
    let changed = open(root.path(), "seed", EngineKind::Postgres).unwrap();
    assert_ne!(changed.fingerprint(), seed.fingerprint());
    assert_ne!(read(&changed).await.1, hash);
}

#[tokio::test]
async fn a_dump_folder_is_one_tar_of_its_files() {
    let root = folder();
    fs::create_dir_all(root.path().join("seeds/dump")).unwrap();
    fs::write(root.path().join("seeds/dump/toc.dat"), "PGDMP").unwrap();
    fs::write(root.path().join("seeds/dump/17.dat.gz"), vec![7; 300_000]).unwrap();
    for seed in ["seeds", "seeds/dump"] {
        let seed = open(root.path(), seed, EngineKind::Postgres).unwrap();
        let (files, _, count) = read(&seed).await;
        assert_eq!((files.len(), files[0].0.as_str()), (1, "seeds/dump"));
        let mut tar = tar::Archive::new(&files[0].1[..]);
        let sizes: Vec<_> = tar.entries().unwrap().map(|entry| entry.unwrap().size()).collect();
        assert_eq!(sizes, [300_000, 5]);
        assert_eq!(count, 300_005);
    }
}

#[tokio::test]
async fn a_file_that_breaks_off_is_an_error_of_reading() {
    let root = folder();
    let mut noise = 1u32;
    let content: Vec<u8> = std::iter::repeat_with(|| {
        noise = noise.wrapping_mul(1_664_525).wrapping_add(1);
        (noise >> 24) as u8
    })
    .take(400_000)
    .collect();
    for (name, whole) in [("a.sql.gz", gzip(&content)), ("b.sql.zst", zstd(&content))] {
        fs::write(root.path().join(name), &whole[..whole.len() - 1000]).unwrap();
        let seed = open(root.path(), name, EngineKind::Postgres).unwrap();
        let mut files = seed.read(Arc::default());
        let mut file = files.next().unwrap();
        assert!(file.content.read_to_end(&mut Vec::new()).await.is_err(), "{name}");
        assert!(files.hash().await.is_err(), "{name}");
    }
}

#[tokio::test]
async fn the_identity_is_that_of_the_whole_file_even_if_the_engine_stops_early() {
    let root = folder();
    fs::write(root.path().join("a.sql"), vec![b'-'; 3_000_000]).unwrap();
    let seed = open(root.path(), "a.sql", EngineKind::Postgres).unwrap();
    let whole = read(&seed).await.1;
    let mut files = seed.read(Arc::default());
    drop(files.next());
    assert_eq!(files.hash().await.unwrap(), whole);
}
