use serde_json::json;

use super::*;
use crate::diff::{Untold, allowances, compare, judge, page};

#[derive(Debug)]
struct Written;

impl Place for Written {
    fn of(&self, path: &Path) -> Option<(String, u32, u32)> {
        (path.key_at(2) == Some("replicas")).then(|| ("shop profile.yaml".to_owned(), 7, 15))
    }
}

fn judged() -> crate::diff::Judged {
    let a = json!({"flags": {"F": "true"}, "services": {"api": {"replicas": 3, "image": "a", "env": {"X": "<&\"'>\u{1}", "H": "1"}}}});
    let b = json!({"flags": {"F": "false"}, "services": {"api": {"replicas": 2, "image": "b", "env": {"H": {"hole": "no right"}}}}});
    let allowed = allowances("services.*.image: built per branch").unwrap();
    let mut difference = compare(&a, &b);
    let path = Path::of(["stores", "db", "seed"]);
    difference.untold.push(Untold { path, why: "the data of a <store> is not captured".to_owned() });
    judge(difference, &allowed, &a, &b)
}

const COMPARED: Compared<'_> = Compared { against: "shop.yaml", source: "mirror:shop", place: &Written };

#[test]
fn junit_tells_every_path() {
    insta::assert_snapshot!(junit(&judged(), COMPARED));
    let none = junit(&Default::default(), COMPARED);
    assert!(
        none.contains("tests=\"1\" failures=\"0\"") && none.contains("mirror:shop is what shop.yaml says")
    );
}

#[test]
fn sarif_points_into_the_profile() {
    let log: serde_json::Value = serde_json::from_str(&sarif(&judged(), COMPARED)).unwrap();
    let results = log["runs"][0]["results"].as_array().unwrap();
    let replicas = results.iter().find(|one| one["ruleId"] == "replicas").unwrap();
    let place = &replicas["locations"][0]["physicalLocation"];
    assert_eq!(place["region"]["startLine"], 7);
    assert_eq!(place["artifactLocation"]["uri"], "shop%20profile.yaml");
    let image = results.iter().find(|one| one["ruleId"] == "image").unwrap();
    assert_eq!(image["suppressions"][0]["justification"], "built per branch");
    for result in results {
        let rule = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
        assert_eq!(log["runs"][0]["tool"]["driver"]["rules"][rule]["id"], result["ruleId"]);
    }
    let run = &log["runs"][0];
    let told = &run["invocations"][0]["toolExecutionNotifications"][0];
    assert_eq!(told["descriptor"]["id"], run["tool"]["driver"]["notifications"][0]["id"]);
    assert!(results.iter().all(|one| !one["message"]["text"].as_str().unwrap().contains("stores.db.seed")));
    insta::assert_snapshot!(sarif(&judged(), COMPARED).replace(env!("CARGO_PKG_VERSION"), "VERSION"));
}

#[test]
fn a_page_shows_both_sides_and_lets_no_value_be_markup() {
    let text = page("<a>", "b", &judged().difference);
    assert!(!text.contains("<a>") && text.contains("&lt;a&gt;"));
    assert!(text.contains("F") && text.contains("likely to matter"));
    assert!(text.contains("stores.db.seed") && text.contains("the data of a &lt;store&gt; is not captured"));
    assert!(!text.contains("http://") && !text.contains("https://"), "a page fetches nothing");
    let none = page("a", "b", &Default::default());
    assert!(none.contains("Nothing differs") && !none.contains("not told"));
}
