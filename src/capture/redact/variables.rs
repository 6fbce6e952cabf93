//! What is secret of variables that belong to one process, without a profile around them.

use super::{Secrets, form, judge, within};

impl Secrets {
    /// The secrets that variables give away by their names and their values.
    pub fn of_variables<'a>(variables: impl Iterator<Item = (&'a str, &'a str)>) -> Self {
        let mut secrets = Self::default();
        for (name, value) in variables {
            if judge(name, value).is_some() {
                secrets.know_variable(name, value);
                continue;
            }
            secrets.open(value);
            for found in within::find(name, value) {
                secrets.know(&found.value, name, found.form);
            }
        }
        secrets
    }

    /// The value of a variable that is secret as a whole.
    pub fn know_variable(&mut self, name: &str, value: &str) {
        self.know(value, name, form(value));
    }

    /// Whether a variable is a secret or holds one, by itself or because another variable gives it away.
    pub fn are_in_variable(&self, name: &str, value: &str) -> bool {
        judge(name, value).is_some() || !within::find(name, value).is_empty() || self.shows(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_is_secret_by_itself_or_by_another_one() {
        let variables = [
            ("DB_PASSWORD", "blue-horse-77"),
            ("URL", "redis://:quick%2Dfox-12@cache/0"),
            ("POSTGRES_PASSWORD", "postgres"),
            ("POSTGRES_USER", "postgres"),
            ("COPY", "blue-horse-77"),
            ("OPTIONS", "host=db with blue-horse-77"),
            ("CACHE", "quick-fox-12"),
            ("DSN", "user=postgres host=postgres"),
            ("NAME", "blue-horse-778"),
        ];
        let secrets = Secrets::of_variables(variables.into_iter());
        let secret = variables.map(|(name, value)| secrets.are_in_variable(name, value));
        assert_eq!(secret, [true, true, true, false, true, true, true, false, false]);
    }
}
