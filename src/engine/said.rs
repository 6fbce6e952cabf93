//! What a client program said, read alike for every engine.

use super::{Answer, EngineError, Output};

impl Output {
    /// What a client said when it did not say what was hoped for.
    pub(super) fn words(&self) -> String {
        let (stdout, stderr) = (self.stdout.trim(), self.stderr.trim());
        if stderr.is_empty() { stdout.to_owned() } else { stderr.to_owned() }
    }

    /// The failure of `what`, in the client's words.
    pub(super) fn refused(&self, what: &str) -> EngineError {
        EngineError::Refused { what: what.to_owned(), message: self.words() }
    }

    /// The answer to a login: waiting does not bring a client that the image lacks.
    pub(super) fn answer(&self, client: &str, yes: bool) -> Result<Answer, EngineError> {
        match self.code {
            126 | 127 => Err(self.refused(client)),
            _ if yes => Ok(Answer::Yes),
            _ => Ok(Answer::NotYet(self.words())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(code: i64, stdout: &str, stderr: &str) -> Output {
        Output { code, stdout: stdout.to_owned(), stderr: stderr.to_owned() }
    }

    #[test]
    fn a_server_that_starts_is_waited_for_and_a_client_that_is_missing_is_not() {
        assert_eq!(said(0, "1\n", "").answer("psql", true).unwrap(), Answer::Yes);
        let starting = said(2, "", "the database system is starting up\n").answer("psql", false);
        assert_eq!(starting.unwrap(), Answer::NotYet("the database system is starting up".to_owned()));
        for code in [126, 127] {
            let missing = said(code, "", "psql: not found").answer("psql", false);
            assert_eq!(missing.unwrap_err().to_string(), "psql: psql: not found");
        }
    }

    #[test]
    fn a_client_that_prints_its_errors_as_answers_is_quoted_too() {
        assert_eq!(
            said(0, "NOAUTH Authentication required.\n", "").words(),
            "NOAUTH Authentication required."
        );
    }
}
