//! The exceptions of a service whose errors say more than a kind.

/// Declares `Code`, the exceptions of a service with their status on the wire and their kind, and `Error`: a code and
/// the error with its text. An error of another module becomes the exception that `kinds` gives its kind.
macro_rules! exceptions {
    (
        service: $service:literal,
        codes: { $($(#[$doc:meta])* $name:ident = $text:literal, $status:literal, $kind:ident;)* },
        kinds: { $($of:ident => $code:ident),* $(,)? },
    ) => {
        #[doc = concat!("The exceptions of ", $service, ".")]
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Code {
            $($(#[$doc])* $name,)*
        }

        #[doc = concat!("A refusal of ", $service, ": which of its exceptions, and the error with its text.")]
        #[derive(Clone, PartialEq, Eq)]
        pub struct Error {
            /// Which exception.
            pub code: Code,
            /// What to say.
            pub error: base::Error,
        }

        #[doc = concat!("The result of functions of ", $service, ".")]
        pub type Result<T, E = Error> = std::result::Result<T, E>;

        impl Code {
            /// The exception's name on the wire.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text),* }
            }

            /// The HTTP status that goes with it.
            #[must_use]
            pub fn status(self) -> u16 {
                match self { $(Self::$name => $status),* }
            }

            fn kind(self) -> base::ErrorKind {
                match self { $(Self::$name => base::ErrorKind::$kind),* }
            }
        }

        impl Error {
            pub(crate) fn new(code: Code, message: impl Into<String>) -> Self {
                Self { code, error: base::Error::new(code.kind(), message) }
            }

            pub(crate) fn with_hint(mut self, hint: impl Into<String>) -> Self {
                self.error = self.error.with_hint(hint);
                self
            }
        }

        impl From<base::Error> for Error {
            fn from(error: base::Error) -> Self {
                let code = match error.kind {
                    $(base::ErrorKind::$of => Code::$code),*
                };
                Self { code, error }
            }
        }

        impl From<Error> for base::Error {
            fn from(error: Error) -> Self {
                error.error
            }
        }

        impl std::fmt::Display for Error {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.error.fmt(f)
            }
        }

        impl std::fmt::Debug for Error {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, "{}: {:?}", self.code.as_str(), self.error)
            }
        }

        impl std::error::Error for Error {}
    };
}
pub(crate) use exceptions;
