//! Small profiles for tests: a web server, a database, and what a test adds to either.

const PYTHON: &str = "local:prodmirror-built/python:3.11";
const POSTGRES: &str = "local:prodmirror-built/postgres:15";

/// A profile in the making; lines are YAML, indented by this builder.
pub struct Profile {
    head: String,
    services: String,
    stores: String,
}

pub fn profile(name: &str) -> Profile {
    Profile {
        head: format!("apiVersion: prodmirror/v1\nname: {name}\n"),
        services: String::new(),
        stores: String::new(),
    }
}

impl Profile {
    /// Lines at the top level.
    pub fn with(mut self, lines: &str) -> Self {
        self.head += &format!("{}\n", lines.trim_end());
        self
    }

    /// `web`: a server that is ready a moment after its start, and leaves at once.
    pub fn web(self, lines: &str) -> Self {
        let server = format!(
            "image: {PYTHON}\n\
             command: [python3, -u, -m, http.server, \"8000\"]\n\
             ports: {{http: 8000}}\n\
             probes: {{readiness: {{http: /, period: 1s}}}}\n\
             stop_grace_period: 1s\n"
        );
        self.service("web", &(server + lines))
    }

    /// A service that runs a shell line, in an image that has Python.
    pub fn shell(self, name: &str, line: &str, lines: &str) -> Self {
        let command = serde_json::to_string(&["sh", "-c", line]).expect("strings");
        self.service(name, &format!("image: {PYTHON}\ncommand: {command}\nstop_grace_period: 0s\n{lines}"))
    }

    pub fn service(mut self, name: &str, lines: &str) -> Self {
        self.services += &format!("  {name}:\n{}", indented(lines));
        self
    }

    /// `db`: the database `notes` of `app`, whose password is the secret `db-password`.
    pub fn db(mut self, lines: &str) -> Self {
        let store = format!(
            "engine: postgres\nimage: {POSTGRES}\ndatabase: notes\nuser: app\npassword: \"${{secret:db-password}}\"\n{lines}"
        );
        self.stores += &format!("  db:\n{}", indented(&store));
        self
    }

    pub fn text(&self) -> String {
        let section = |name: &str, content: &String| match content.as_str() {
            "" => String::new(),
            content => format!("{name}:\n{content}"),
        };
        format!("{}{}{}", self.head, section("services", &self.services), section("stores", &self.stores))
    }
}

fn indented(lines: &str) -> String {
    lines.lines().map(|line| format!("    {line}\n")).collect()
}
