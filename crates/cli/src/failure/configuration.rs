//! Failures of the configuration file.

use std::io;
use std::path::Path;

use super::Failure;
use crate::configuration::Fault;
use crate::exit_code::ExitCode;
use crate::render::clean;

impl Failure {
    /// The file cannot be read. Unless somebody named it, it is in the default place.
    pub(crate) fn configuration_file(
        path: &Path,
        named_by: Option<&str>,
        error: &io::Error,
    ) -> Self {
        let path = clean(&path.display().to_string());
        let message = format!("cannot read the configuration file {path}");
        let hint = match named_by {
            Some(name) => format!("check the path in {name}, and that this user may read it"),
            None => "let this user read it, or move it away".to_owned(),
        };
        Self::new(ExitCode::Input, "configuration-file", message)
            .field("path", path)
            .caused_by(error)
            .hint(hint)
    }

    /// Something in the file is wrong.
    pub(crate) fn configuration(path: &Path, fault: &Fault) -> Self {
        let path = clean(&path.display().to_string());
        let (position, problem) = (fault.position, &fault.problem);
        let message = format!("{path}:{position}: {}", clean(&problem.to_string()));
        Self::new(ExitCode::Input, "bad-configuration", message)
            .field("path", path)
            .field("line", position.line)
            .field("column", position.column)
            .hint(clean(&problem.hint()))
    }

    /// Says that it is the configuration file that names what failed, and where.
    #[must_use]
    pub(crate) fn in_configuration(self, place: &str, setting: &str) -> Self {
        let place = clean(place);
        let message = format!("{place}: {}", self.message);
        Self { message, ..self }
            .field("configuration", place.as_str())
            .hint(format!(
                "correct {setting} there; a relative path begins at that file's folder"
            ))
    }
}
