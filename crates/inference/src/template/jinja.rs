//! A template, compiled: what renders it, here or in a process apart.

use base::Timestamp;
use minijinja::{Environment, Error, ErrorKind, State, Value};

use super::json;

/// Steps of one rendering; one step reads a variable, calls a filter, writes a piece of text. The templates of real
/// models take some twenty for each message.
pub(super) const MOST_STEPS: u64 = 4_000_000;
/// Bytes of a template. The longest of real models have some tens of KiB.
pub(super) const LONGEST_SOURCE: usize = 512 << 10;

/// The name of the only template in the environment.
const NAME: &str = "chat";
/// The variable that holds the time, in milliseconds.
const NOW: &str = "craton_now";

/// Why a template gave no text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Refusal {
    /// It says so itself, or is malformed.
    Refused(String),
    /// It asks for more than templates may take.
    Exceeded(String),
    /// It could not be rendered at the moment, which says nothing about it.
    Unavailable(String),
}

pub(super) struct Jinja {
    environment: Environment<'static>,
}

impl Jinja {
    pub(super) fn new(source: &str) -> Result<Self, Refusal> {
        check_length(source)?;
        let mut environment = Environment::new();
        environment.set_fuel(Some(MOST_STEPS));
        environment.set_trim_blocks(true);
        environment.set_lstrip_blocks(true);
        environment.set_unknown_method_callback(minijinja_contrib::pycompat::unknown_method_callback);
        environment.add_filter("tojson", json::tojson);
        environment.add_function("raise_exception", |reason: String| -> Result<String, Error> {
            Err(Error::new(ErrorKind::InvalidOperation, reason))
        });
        environment.add_function("strftime_now", |state: &State<'_, '_>, format: String| strftime(state, &format));
        environment.add_template_owned(NAME, source.to_owned()).map_err(|error| refusal(&error))?;
        Ok(Self { environment })
    }

    /// Renders with the variables; `strftime_now` shows `now` in UTC.
    pub(super) fn render(&self, variables: &serde_json::Value, now: Timestamp) -> Result<String, Refusal> {
        let template = self.environment.get_template(NAME).map_err(|error| refusal(&error))?;
        let variables = minijinja::context! { craton_now => now.as_millis(), ..Value::from_serialize(variables) };
        template.render(variables).map_err(|error| refusal(&error))
    }

    /// The steps that a rendering takes.
    #[cfg(test)]
    pub(super) fn steps(&self, variables: &serde_json::Value) -> u64 {
        let template = self.environment.get_template(NAME).unwrap();
        template.render_captured(variables).unwrap().state().fuel_levels().unwrap().0
    }
}

pub(super) fn check_length(source: &str) -> Result<(), Refusal> {
    match source.len() > LONGEST_SOURCE {
        true => Err(Refusal::Exceeded(format!("it has {} bytes, and {LONGEST_SOURCE} at most are read", source.len()))),
        false => Ok(()),
    }
}

fn strftime(state: &State<'_, '_>, format: &str) -> Result<String, Error> {
    let bad = |error: jiff::Error| Error::new(ErrorKind::InvalidOperation, error.to_string());
    let now = state.lookup(NOW).and_then(|now| i64::try_from(now).ok()).unwrap_or_default();
    let now = jiff::Timestamp::from_millisecond(now).map_err(bad)?;
    jiff::fmt::strtime::format(format, &now.to_zoned(jiff::tz::TimeZone::UTC)).map_err(bad)
}

fn refusal(error: &Error) -> Refusal {
    if is_out_of_fuel(error) {
        return Refusal::Exceeded(format!("it takes more than {MOST_STEPS} steps, the most that a template may take"));
    }
    Refusal::Refused(error.detail().map_or_else(|| error.to_string(), str::to_owned))
}

/// Whether the error, or what caused it, is that the steps are used up.
fn is_out_of_fuel(error: &Error) -> bool {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = cause {
        if error.downcast_ref::<Error>().is_some_and(|error| error.kind() == ErrorKind::OutOfFuel) {
            return true;
        }
        cause = error.source();
    }
    false
}
