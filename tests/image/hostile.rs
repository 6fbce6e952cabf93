//! Archives that are broken or meant to harm: a clear error each, in bounded memory.

use std::io::Read;

use prodmirror::layers::{self, LayersError, Wanted};
use serde_json::json;
use tar::{EntryType, Header};

use super::archives::{Packing, Tar, header, image, layout, packed, read, saved, tar_of};

fn refused(layer: Vec<u8>) -> String {
    read(&tar_of(&layout(&[layer], Packing::Plain, json!({})))).unwrap_err().to_string()
}

#[test]
fn a_path_out_of_the_image_is_refused_with_its_layer() {
    for path in ["../../etc/passwd", "a/../../b", "/../x"] {
        let error = refused(Tar::new().file(path, b"x").bytes());
        assert!(error.contains("leads out of the image") && error.contains("blobs/sha256/"), "{error}");
    }
    let error = refused(Tar::new().hard_link("x", "../../etc/shadow").bytes());
    assert!(error.contains("leads out"), "{error}");
}

#[test]
fn links_without_end_are_refused_where_they_are_written_through() {
    let layer = Tar::new().link("a", "b").link("b", "a").file("a/x", b"1").bytes();
    assert!(refused(layer).contains("40 symbolic links"));
    // A chain that is only there is an image like any other.
    let chain = (0..60).fold(Tar::new(), |tar, at| tar.link(&format!("l{at}"), &format!("l{}", at + 1)));
    assert_eq!(image(&[chain.link("etc/os-release", "/l0").bytes()]).tree.len(), 62);
}

#[test]
fn every_way_of_cutting_an_archive_off_is_an_error() {
    let layers = [Tar::new().file("etc/a", &[7; 3000]).bytes()];
    for packing in [Packing::Plain, Packing::Gzip, Packing::Zstd] {
        let whole = tar_of(&layout(&layers, packing, json!({})));
        let end = whole.len() - 1024;
        for cut in (0..end).step_by(97).chain([end - 1]) {
            let error = read(&whole[..cut]);
            assert!(error.is_err(), "{packing:?} cut at {cut}");
        }
        let squeezed = packed(&whole, packing);
        if !matches!(packing, Packing::Plain) {
            assert!(read(&squeezed[..squeezed.len() / 2]).is_err());
        }
    }
}

#[test]
fn a_size_that_nobody_has_is_not_believed() {
    let mut huge = Vec::new();
    let mut head = header(EntryType::Regular, "etc/passwd", 0, 0o644);
    head.set_size(u64::MAX / 4);
    head.set_cksum();
    huge.extend_from_slice(head.as_bytes());
    huge.extend_from_slice(&[0; 512]);
    let error = read(&huge).unwrap_err().to_string();
    assert!(error.contains("cut off"), "{error}");
    assert!(refused(huge).contains("more than 128 GiB"));
}

#[test]
fn a_long_name_without_end_is_not_kept() {
    for kind in [EntryType::GNULongName, EntryType::GNULongLink, EntryType::XHeader, EntryType::XGlobalHeader]
    {
        let mut head = Header::new_gnu();
        head.set_path("././@LongLink").unwrap();
        head.set_entry_type(kind);
        head.set_size(1 << 40);
        head.set_cksum();
        // A terabyte of nothing, made while it is read.
        let stream = std::io::Cursor::new(head.as_bytes().to_vec()).chain(std::io::repeat(0).take(1 << 40));
        let error = layers::read_stream("x", stream, &Wanted::default()).unwrap_err().to_string();
        assert!(error.contains("longer than"), "{kind:?}: {error}");
    }
}

#[test]
fn a_manifest_without_end_is_not_kept() {
    let mut head = header(EntryType::Regular, "index.json", 0, 0o644);
    head.set_size(1 << 33);
    head.set_cksum();
    let stream = std::io::Cursor::new([head.as_bytes(), &b"{"[..]].concat()).chain(std::io::repeat(b' '));
    let error = layers::read_stream("x", stream, &Wanted::default()).unwrap_err();
    assert!(matches!(error, LayersError::TooMuch { .. }), "{error}");
}

#[test]
fn content_that_is_not_what_its_digest_says_is_refused() {
    let layers = [Tar::new().file("etc/a", b"1").bytes()];
    let mut files = layout(&layers, Packing::Plain, json!({}));
    let other = Tar::new().file("etc/a", b"2").bytes();
    let at = files.iter().position(|(_, content)| content == &layers[0]).unwrap();
    files[at].1 = other.clone();
    let error = read(&tar_of(&files)).unwrap_err().to_string();
    assert!(error.contains("its content is sha256:"), "{error}");
    // The old form names layers by folders: there the configuration's own list tells.
    let whole = saved(&layers, json!({}));
    let swapped = String::from_utf8_lossy(&whole).contains("sha256:").then(|| {
        let mut bytes = whole.clone();
        let at = bytes.windows(5).position(|window| window == b"etc/a").unwrap();
        bytes[at + 512] = b'9';
        bytes
    });
    let error = read(&swapped.unwrap()).unwrap_err().to_string();
    assert!(error.contains("the configuration names"), "{error}");
}

#[test]
fn what_is_no_image_says_what_it_lacks() {
    let cases: [(Vec<u8>, &str); 6] = [
        (b"not a tar at all".to_vec(), "cut off"),
        (vec![b'x'; 4096], "no tar archive"),
        (Vec::new(), "neither `index.json` nor `manifest.json`"),
        (Tar::new().file("etc/passwd", b"x").bytes(), "neither `index.json` nor `manifest.json`"),
        (Tar::new().file("index.json", b"{\"manifests\": []}").bytes(), "names no image"),
        (
            Tar::new().file("manifest.json", br#"[{"Config": "../../etc/passwd", "Layers": []}]"#).bytes(),
            "is not in it",
        ),
    ];
    for (archive, word) in cases {
        let error = read(&archive).unwrap_err().to_string();
        assert!(error.contains(word), "{word}: {error}");
    }
}

#[test]
fn a_folder_is_read_no_further_than_its_edge() {
    let folder = tempfile::tempdir().unwrap();
    let manifest = br#"[{"Config": "../outside.json", "Layers": []}]"#;
    std::fs::write(folder.path().join("manifest.json"), manifest).unwrap();
    let error = layers::read_path("x", folder.path(), &Wanted::default()).unwrap_err().to_string();
    assert!(error.contains("leads out of the folder"), "{error}");
}

#[test]
fn indexes_that_name_each_other_end() {
    // A digest cannot name itself, so a deep chain stands for a circle.
    let mut files = layout(&[Tar::new().bytes()], Packing::Plain, json!({}));
    for _ in 0..10 {
        let (_, index) = files.pop().unwrap();
        let digest = prodmirror::digest::sha256(&index);
        files.push((format!("blobs/{}", digest.replacen(':', "/", 1)), index));
        files.push((
            "index.json".to_owned(),
            json!({"manifests": [{"digest": digest}]}).to_string().into_bytes(),
        ));
    }
    let error = read(&tar_of(&files)).unwrap_err().to_string();
    assert!(error.contains("4 deep"), "{error}");
}
