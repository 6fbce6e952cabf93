//! Another image, another volume, another file in place of the planned one.

use serde_json::json;

use super::{breaks, stage::*};
use crate::{
    digest,
    observed::{FileFacts, Mount},
    plan::ImageSource,
};

#[test]
fn another_image_is_seen() {
    breaks(|stage| stage.of("api.0.main").image_id = ID.replace('1', "2"), &["services.api.image"]);
    breaks(
        |stage| stage.of("db.0.main").image_reference = "postgres:latest".to_owned(),
        &["stores.db.image"],
    );
}

#[test]
fn an_image_is_known_by_any_of_its_digests_and_by_no_other() {
    let mut stage = Stage::set("shop.yaml");
    for pod in stage.plan.pods.iter_mut().filter(|pod| pod.service.as_str() == "api") {
        pod.main.image.source = ImageSource::Digest;
        pod.main.image.reference = format!("shop-app@{ID}");
    }
    stage.of("api.0.main").image_descriptor = Some(ID.replace('1', "2"));
    assert_eq!(stage.broken(), Vec::<String>::new(), "its id is the digest");
    stage.of("api.0.main").image_id = ID.replace('1', "3");
    assert_eq!(stage.broken(), ["services.api.image"]);
    let live = stage.live("services.api.image").value;
    assert_eq!(live, Some(json!(format!("shop-app@{}", ID.replace('1', "2")))));
}

#[test]
fn another_volume_is_seen() {
    const VOLUME: &str = "services.worker.volumes[\"/var/spool/shop\"]";
    let edit = |change: fn(&mut Mount)| {
        move |stage: &mut Stage| {
            let mounts = &mut stage.of("worker.0.main").mounts;
            change(mounts.iter_mut().find(|mount| mount.target == "/var/spool/shop").unwrap());
        }
    };
    let stage = breaks(edit(|mount| mount.source = "other".to_owned()), &[VOLUME]);
    assert_eq!(stage.live(VOLUME).value, Some(json!({"claim": "other"})));
    breaks(edit(|mount| mount.kind = "bind".to_owned()), &[VOLUME]);
    let stage = breaks(edit(|mount| mount.read_only = true), &[VOLUME]);
    assert_eq!(stage.live(VOLUME).value.unwrap()["read_only"], true);
    let stage = breaks(|stage| stage.of("worker.0.main").mounts.clear(), &[VOLUME]);
    assert_eq!(stage.live(VOLUME).value, None);
}

#[test]
fn an_edited_file_is_seen() {
    let file = "services.api.files[\"/etc/shop/shop.ini\"]";
    let edit = |change: fn(&mut FileFacts)| {
        move |stage: &mut Stage| {
            change(stage.inside_of("api.1.main").checksums.get_mut("/etc/shop/shop.ini").unwrap());
        }
    };
    let stage = breaks(edit(|facts| facts.sha256 = Some(digest::sha256(b"x"))), &[file]);
    assert_eq!(stage.live(file).value.unwrap()["sha256"], digest::sha256(b"x"));
    let stage = breaks(edit(|facts| facts.mode = 0o666), &[file]);
    assert_eq!(stage.live(file).value.unwrap()["mode"], "0666");
    breaks(edit(|facts| facts.user = 7), &[file]);
    let stage = breaks(edit(|facts| facts.sha256 = None), &[]);
    let live = stage.live(file);
    assert_eq!((live.holds, live.value), (None, None));
    assert!(live.why.unwrap().contains("may not read it"));
    breaks(
        |stage| drop(stage.inside_of("api.0.main").checksums.remove("/run/keys/signing.pem")),
        &["services.api.files[\"/run/keys/signing.pem\"]"],
    );
}

#[test]
fn an_image_that_an_option_put_in_place_is_what_is_wanted() {
    let stage = Stage::with_image("shop.yaml", "api", "local:prodmirror-built/python:3.11");
    assert_eq!(stage.broken(), Vec::<String>::new());
    let live = stage.live("services.api.image");
    assert_eq!((live.holds, live.value), (Some(true), Some(json!("local:prodmirror-built/python:3.11"))));
}
