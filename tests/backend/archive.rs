//! Images from a folder of files, where no registry is in reach.

use std::{collections::BTreeMap, path::Path};

use prodmirror::{
    backend::{BackendError, Images as _, compose::Compose},
    profile::Image,
};

use crate::ground::{Quiet, compose, docker};

/// An image of one small file, only in a tar; answers how a profile names it. `localhost:1` answers nobody.
fn saved(folder: &Path, name: &str) -> Image {
    let root = folder.join("root");
    std::fs::create_dir_all(&root).unwrap();
    std::fs::write(root.join("content"), name).unwrap();
    let (tar, tag) = (folder.join("root.tar"), format!("localhost:1/{name}:1"));
    let mut builder = tar::Builder::new(std::fs::File::create(&tar).unwrap());
    builder.append_dir_all(".", &root).unwrap();
    builder.finish().unwrap();
    docker(&["import", tar.to_str().unwrap(), &tag]);
    std::fs::remove_file(&tar).unwrap();
    let digest = docker(&["image", "inspect", "--format", "{{.Id}}", &tag]);
    docker(&["save", "-o", folder.join("image.tar").to_str().unwrap(), &tag]);
    docker(&["rmi", &tag]);
    format!("{tag}@{digest}").parse().unwrap()
}

async fn load(compose: &Compose, image: &Image, folder: &Path) -> Result<Vec<String>, BackendError> {
    let roles = BTreeMap::new();
    let brought = compose.bring(std::slice::from_ref(image), Some(folder), &roles, &Quiet).await?;
    Ok(brought.unreachable)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_is_loaded_by_digest_from_what_docker_save_wrote_and_from_an_oci_layout() {
    let (state, tars, layout) =
        (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let compose = compose(state.path()).await;
    let image = saved(tars.path(), "bt-archive");
    let mut archive = tar::Archive::new(std::fs::File::open(tars.path().join("image.tar")).unwrap());
    let inner = layout.path().join("any-name");
    std::fs::create_dir(&inner).unwrap();
    archive.unpack(&inner).unwrap();
    for folder in [tars.path(), layout.path()] {
        assert_eq!(load(&compose, &image, folder).await.unwrap(), [""; 0]);
        let id = docker(&["image", "inspect", "--format", "{{.Id}}", &image.to_engine()]);
        assert!(image.to_string().ends_with(&id));
        docker(&["rmi", "localhost:1/bt-archive:1"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_archive_and_registry_a_build_of_the_same_role_is_reported_and_else_it_is_an_error() {
    let (state, empty) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let compose = compose(state.path()).await;
    let image: Image = format!("localhost:1/bt-none:1@sha256:{}", "a".repeat(64)).parse().unwrap();
    let error = load(&compose, &image, empty.path()).await.unwrap_err();
    let BackendError::Image { image: named, why } = &error else { panic!("{error}") };
    assert!(named.starts_with("localhost:1/bt-none@") && why.contains("refused"), "{error}");

    let roles = BTreeMap::from([("localhost:1/bt-none".to_owned(), "built:1".to_owned())]);
    let brought = compose.bring(std::slice::from_ref(&image), None, &roles, &Quiet).await.unwrap();
    assert_eq!(brought.unreachable, [image.to_engine()]);
}
