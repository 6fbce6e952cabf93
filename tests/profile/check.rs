//! What `check` says, word for word: the text is read by people, so it is reviewed as text.

use prodmirror::profile::{Layers, Problem, Severity, Source, check, render};

use crate::support::{no_files, problems, service};

fn answer(name: &str, text: &str) -> (Vec<Problem>, String) {
    let documents = [Source::new(name, text)];
    let layers =
        Layers { documents: &documents, set: &[], unset: &[], allow_unpinned: false, read_file: &no_files };
    let problems = check(&layers);
    let shown = render(&problems, &layers.sources(), false);
    (problems, shown)
}

macro_rules! golden {
    ($($test:ident: $file:literal,)*) => {$(
        #[test]
        fn $test() {
            let (problems, shown) = answer($file, include_str!(concat!("bad/", $file)));
            assert!(problems.iter().all(|problem| problem.line.is_some()), "every problem has a place");
            insta::assert_snapshot!(shown);
        }
    )*};
}

golden! {
    words_of_the_neighbours_are_understood: "neighbours.yaml",
    what_does_not_meet_is_said_all_at_once: "crossed.yaml",
    values_of_the_wrong_kind_are_named: "shapes.yaml",
}

#[test]
fn a_problem_is_an_object_with_stable_keys() {
    let (problems, _) = answer("p.yaml", &service("    replcas: 3"));
    insta::assert_snapshot!(serde_json::to_string_pretty(&problems).unwrap(), @r#"
    [
      {
        "severity": "error",
        "code": "unknown-key",
        "file": "p.yaml",
        "line": 6,
        "column": 5,
        "path": "services.api.replcas",
        "message": "the key `replcas` is not known here",
        "hint": "did you mean `replicas`?"
      }
    ]
    "#);
}

#[test]
fn foreign_files_are_answered_with_the_line_to_type() {
    for (name, text, wanted) in [
        (
            "compose.yaml",
            "services:\n  web:\n    image: nginx\n    ports: ['80:80']\n",
            "prodmirror capture compose compose.yaml",
        ),
        (
            "c.yaml",
            "version: '3'\nname: x\nservices:\n  web: {build: .}\n",
            "prodmirror capture compose c.yaml",
        ),
        (
            "k.yaml",
            "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: x}\n---\napiVersion: v1\nkind: Service\n",
            "prodmirror capture files k.yaml",
        ),
        (
            "dump.json",
            "{\"apiVersion\": \"v1\", \"items\": [], \"kind\": \"List\"}",
            "prodmirror capture files dump.json",
        ),
    ] {
        let (problems, _) = answer(name, text);
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert!(problems[0].hint.as_ref().unwrap().contains(wanted), "{problems:?}");
    }
}

#[test]
fn a_profile_whose_first_line_is_missing_is_still_a_profile() {
    let (problems, _) = answer("p.yaml", "name: x\nservices:\n  web:\n    image: local:web:dev\n");
    assert_eq!(problems.iter().map(|problem| problem.code).collect::<Vec<_>>(), ["missing-version"]);
}

#[test]
fn an_unquoted_reference_in_braces_is_answered_with_quotes() {
    let (problems, _) = answer("p.yaml", &service("    env: {K: ${secret:a}}"));
    assert_eq!(problems[0].code, "syntax");
    assert_eq!(problems[0].line, Some(6));
    assert!(problems[0].hint.as_ref().unwrap().contains("\"${secret:"), "{problems:?}");
}

#[test]
fn endpoint_variables_that_would_mean_two_things_clash() {
    let text = "apiVersion: prodmirror/v1\nname: t\nservices:\n  api: {image: local:a:b, ports: {http: 80, admin: 81}}\n  \
                api-http: {image: local:a:b, ports: {web: 80}}\nendpoints: {env: {API_ADMIN_URL: x}}\n";
    let clashes: Vec<String> =
        problems(text).iter().map(|problem| format!("{} {}", problem.code, problem.path)).collect();
    assert_eq!(
        clashes,
        ["endpoint-clash services.api-http.ports[name=web]", "endpoint-clash endpoints.env.API_ADMIN_URL"]
    );
}

#[test]
fn numbers_that_would_ask_for_the_impossible_are_refused() {
    for (body, code) in [
        ("    replicas: 4000000000", "bad-value"),
        ("    resources: {limits: {memory: 0}}", "bad-value"),
        ("    timezone: Europe/ Berlin", "bad-timezone"),
        ("    pids: 0", "bad-value"),
    ] {
        let codes: Vec<&str> = problems(&service(body)).iter().map(|problem| problem.code).collect();
        assert_eq!(codes, [code], "{body}");
    }
}

#[test]
fn a_problem_of_a_copied_field_is_said_once() {
    let text = service("jobs:\n  j: {like: api}").replace("local:api:dev", "nginx:1.27");
    assert_eq!(problems(&text).len(), 1);
}

#[test]
fn an_unpinned_image_is_an_error_unless_it_is_allowed() {
    let text = service("").replace("local:api:dev", "nginx:1.27");
    let (strict, _) = answer("p.yaml", &text);
    assert_eq!((strict[0].code, strict[0].severity), ("unpinned-image", Severity::Error));
    assert_eq!(problems(&text)[0].severity, Severity::Warning);
    assert_eq!(problems(&service("")), []);
}

#[test]
fn a_secret_that_stands_in_the_profile_is_not_shown() {
    let (_, shown) = answer("p.yaml", "apiVersion: prodmirror/v1\nname: t\nsecrets: {token: hunter2}\n");
    assert!(!shown.contains("hunter2"), "{shown}");
    assert!(shown.contains("p.yaml:3:"), "{shown}");
}
