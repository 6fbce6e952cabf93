//! JUnit's XML: a test case for each path that differs or may.

use super::{Compared, class, sentence};
use crate::diff::{Change, Difference, Judged};

/// One suite; what differs is a failure, what may differ, and what the source cannot tell, is skipped, what cannot be
/// compared is an error.
pub fn junit(judged: &Judged, compared: Compared<'_>) -> String {
    let failures: Vec<&Change> = judged.difference.meaningful().collect();
    let Difference { changes: _, incomparable: unread, untold } = &judged.difference;
    let mut cases = String::new();
    let mut case = |name: &str, class: &str, body: &str| {
        cases.push_str(&format!(
            "    <testcase classname=\"prodmirror.drift.{}\" name=\"{}\" time=\"0\"{}\n",
            attribute(class),
            attribute(name),
            if body.is_empty() { "/>".to_owned() } else { format!(">\n      {body}\n    </testcase>") },
        ));
    };
    for change in &failures {
        let text = sentence(change);
        let body = format!(
            "<failure type=\"drift\" message=\"{}\">{}</failure>",
            attribute(&text),
            attribute(&text)
        );
        case(&change.path.to_string(), &class(change), &body);
    }
    for one in unread {
        let body = format!("<error type=\"incomparable\" message=\"{}\"/>", attribute(&one.why));
        case(&one.path.to_string(), "incomparable", &body);
    }
    for (change, reason) in &judged.allowed {
        case(
            &change.path.to_string(),
            &class(change),
            &format!("<skipped message=\"{}\"/>", attribute(reason)),
        );
    }
    for one in untold {
        let body = format!("<skipped message=\"not told by the source: {}\"/>", attribute(&one.why));
        case(&one.path.to_string(), "untold", &body);
    }
    if failures.is_empty() && unread.is_empty() {
        case(&format!("{} is what {} says", compared.source, compared.against), "whole", "");
    }
    let skipped = judged.allowed.len() + untold.len();
    let tests = failures.len() + unread.len() + skipped;
    let tests = tests + usize::from(failures.is_empty() && unread.is_empty());
    let counts = format!("tests=\"{tests}\" failures=\"{}\" errors=\"{}\"", failures.len(), unread.len());
    let name = attribute(&format!("drift of {} from {}", compared.source, compared.against));
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites {counts}>\n  <testsuite name=\"{name}\" {counts} skipped=\"{skipped}\" time=\"0\">\n{cases}  </testsuite>\n</testsuites>\n"
    )
}

/// Text as XML can hold it; characters that it cannot hold at all are shown by their number.
fn attribute(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' => out.push_str("&#10;"),
            '\t' => out.push_str("&#9;"),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => {
                out.push_str(&c.escape_unicode().to_string())
            }
            c => out.push(c),
        }
    }
    out
}
