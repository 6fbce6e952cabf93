//! The `docker` command, which launches what we rendered.

use std::ffi::OsStr;

use super::{
    super::{Result, SecretValues, program::Program},
    Compose,
};

impl Compose {
    /// Runs `docker ARGS…`, as [`Program::run`] says, and answers its standard output.
    pub(super) async fn docker_command<A: AsRef<OsStr>>(
        &self,
        args: &[A],
        secrets: &SecretValues,
    ) -> Result<String> {
        let mut environment = self.settings.environment.clone();
        // The keeper is no orphan.
        environment.push(("COMPOSE_IGNORE_ORPHANS".to_owned(), "1".to_owned()));
        let docker = Program {
            path: self.settings.docker.clone(),
            self_exe: self.settings.self_exe.clone(),
            environment,
            // The engine that we talk to, whatever the context says.
            shown: vec![("DOCKER_HOST".to_owned(), self.address.clone())],
        };
        docker.run(args, secrets).await
    }
}
